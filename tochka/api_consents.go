package tochka

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// Consent is what a customer allows an application (разрешение).
type Consent struct {
	ID              string        `json:"consentId"`
	Status          ConsentStatus `json:"status"`
	Permissions     []Permission  `json:"permissions"`
	CreatedAt       Time          `json:"creationDateTime"`
	StatusUpdatedAt Time          `json:"statusUpdateDateTime"`
	ExpiresAt       Time          `json:"expirationDateTime"` // zero: never
	CustomerCode    string        `json:"customerCode"`       // of a child consent
	ApplicationName string        `json:"applicationName"`
	ClientID        string        `json:"clientId"`
	IsValid         *Bool         `json:"isValid"` // in lists only; false when its time is over
}

// ConsentStatus is where a consent stands.
type ConsentStatus string

// The statuses of a consent.
const (
	ConsentAwaiting   ConsentStatus = "AwaitingAuthorisation"
	ConsentAuthorised ConsentStatus = "Authorised"
	ConsentRejected   ConsentStatus = "Rejected"
	ConsentRevoked    ConsentStatus = "Revoked"
)

// ConsentRequest asks for a consent.
type ConsentRequest struct {
	Permissions []Permission // nil: OAuthConfig.Permissions
	ExpiresAt   Time         // zero: by OAuthConfig.ConsentLife
}

// Explain says what to do about a consent that is not good: an error of
// ErrUnauthorized or ErrDeclined; nil for a good one.
func (s Consent) Explain() error {
	e := &acquiring.Error{Provider: provider, Op: "consents.get", Outcome: acquiring.OutcomeRejected, Code: string(s.Status)}
	switch {
	case s.IsValid != nil && !bool(*s.IsValid):
		e.Kind, e.Message, e.Hint = acquiring.ErrUnauthorized, "the consent's time is over", "make a new one with OAuth.Begin"
	case s.Status == ConsentAuthorised:
		return nil
	case s.Status == ConsentAwaiting:
		e.Kind, e.Message, e.Hint = acquiring.ErrUnauthorized, "the customer has not confirmed the consent yet", "send him to AuthorizeURL"
	case s.Status == ConsentRejected:
		e.Kind, e.Message, e.Hint = acquiring.ErrDeclined, "the customer refused the consent", "a refused consent stays refused: make a new one with OAuth.Begin"
	case s.Status == ConsentRevoked:
		e.Kind, e.Message, e.Hint = acquiring.ErrUnauthorized, "the customer took the consent back", "make a new one with OAuth.Begin"
	default:
		e.Kind, e.Message = acquiring.ErrUnauthorized, "the consent is not confirmed"
	}
	return e
}

// oneConsent is a consent in any of the shapes that the bank gives one in: the
// object itself, in Consent, or in a list in Consent.
type oneConsent struct{ Consent }

func (o *oneConsent) UnmarshalJSON(b []byte) error {
	var shape struct {
		ID    string          `json:"consentId"`
		Inner json.RawMessage `json:"Consent"`
	}
	if err := json.Unmarshal(b, &shape); err != nil {
		return err
	}
	if shape.ID != "" || len(shape.Inner) == 0 {
		return json.Unmarshal(b, &o.Consent)
	}
	var list []Consent
	if json.Unmarshal(shape.Inner, &list) == nil {
		if len(list) > 0 {
			o.Consent = list[0]
		}
		return nil
	}
	return json.Unmarshal(shape.Inner, &o.Consent)
}

// CreateConsent makes a consent with the application's own token (POST
// consents). There is no call to change or delete one.
func (o *OAuth) CreateConsent(ctx context.Context, r ConsentRequest) (*Consent, error) {
	const op = "consents.create"
	if r.Permissions == nil {
		r.Permissions = o.conf.Permissions
	}
	if err := checkPermissions("Permissions", r.Permissions); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if r.ExpiresAt.IsZero() && o.conf.ConsentLife > 0 {
		r.ExpiresAt = At(o.now().Add(o.conf.ConsentLife).UTC())
	}
	if !r.ExpiresAt.IsZero() && !r.ExpiresAt.After(o.now()) {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("ExpiresAt", "is in the past, which the bank refuses"))
	}
	body := struct {
		Permissions []Permission `json:"permissions"`
		ExpiresAt   *Time        `json:"expirationDateTime,omitempty"`
	}{Permissions: r.Permissions}
	if !r.ExpiresAt.IsZero() {
		body.ExpiresAt = &r.ExpiresAt
	}
	var out oneConsent
	call := post(op, dataOf[any]{body}, "consent/v1.0/consents")
	err := o.call(ctx, call, &out)
	if errors.Is(err, acquiring.ErrUnsupported) {
		// The manual's tutorial has another address for the same.
		call.path = "v1.0/consents"
		err = o.call(ctx, call, &out)
	}
	if err != nil {
		return nil, err
	}
	if out.ID == "" {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown, Message: "the answer has no consentId"}
	}
	return &out.Consent, nil
}

// Consents lists the application's consents (GET consents); customerCode
// narrows to a company, "": all.
func (o *OAuth) Consents(ctx context.Context, customerCode string) ([]Consent, error) {
	r := get("consents.list", "consent/v1.0/consents")
	r.company = customerCode
	return o.consents(ctx, r)
}

// ChildConsents lists the consents of the single companies that a consent
// stands for (GET consents/{consentId}/child).
func (o *OAuth) ChildConsents(ctx context.Context, consentID string) ([]Consent, error) {
	return o.consents(ctx, get("consents.child", "consent/v1.0/consents/", consentID, "/child"))
}

func (o *OAuth) consents(ctx context.Context, r request) ([]Consent, error) {
	var data struct{ Consent []Consent }
	if err := o.call(ctx, r, &data); err != nil {
		return nil, err
	}
	return data.Consent, nil
}

// Consent reads one consent (GET consents/{consentId}); see Consent.Explain.
func (o *OAuth) Consent(ctx context.Context, consentID string) (*Consent, error) {
	var out oneConsent
	if err := o.call(ctx, get("consents.get", "consent/v1.0/consents/", consentID), &out); err != nil {
		return nil, err
	}
	return &out.Consent, nil
}

// call makes a call with the application's token. The header for a company is
// spelled in its own way here.
func (o *OAuth) call(ctx context.Context, r request, out any) error {
	token, err := o.ClientToken(ctx)
	if err != nil {
		return tokenError(r.op, err)
	}
	call, err := r.call()
	if err != nil {
		return err
	}
	call.Secret = token.AccessToken
	call.Header = http.Header{"Accept": {"application/json"}, "Authorization": {"Bearer " + token.AccessToken}}
	if r.company != "" {
		call.Header["customer-code"] = []string{r.company}
	}
	resp, err := o.rest.Do(ctx, call)
	if err = classify(o.rest, rest.Call{Op: call.Op, Method: call.Method}, resp, err); err != nil {
		var e *acquiring.Error
		if errors.As(err, &e) && e.HTTPStatus == http.StatusUnauthorized {
			o.dropClientToken(ctx, token.AccessToken)
		}
		return hide(err, token.AccessToken)
	}
	_, err = decode(o.rest, r, resp, out)
	return err
}

// dropClientToken forgets a token that the bank refused.
func (o *OAuth) dropClientToken(ctx context.Context, stale string) {
	select {
	case o.sem <- struct{}{}:
		if o.client != nil && o.client.AccessToken == stale {
			o.client = nil
		}
		<-o.sem
	case <-ctx.Done():
	}
}
