package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring"
)

// Explainer is an acquirer that can tell a developer which rule of its signature
// a notification breaks; errors are as of [Explain]. The clients of Sberbank, Alfa-Bank, PayMaster's classic
// protocol, Tochka and PayKeeper are; so is Komtet's, which is a register.
type Explainer interface {
	ExplainCallback(r *http.Request) (*Explanation, error)
}

// Explain says why a notification is not taken, for a developer at work. It
// answers only for a client of acquiring.Test (ErrUnsupported for any other),
// shows no secret and no signature that would have been right, and leaves the
// request to be read again. ErrUnsupported is also the error of an acquirer whose
// provider signs nothing.
//
//	e, err := webhook.Explain(client, r)
//	if err == nil && !e.Fits() {
//		log.Print(e)
//	}
func Explain(a acquiring.Acquirer, r *http.Request) (*Explanation, error) {
	e, ok := a.(Explainer)
	if !ok {
		return nil, &acquiring.Error{Op: "explain", Kind: acquiring.ErrUnsupported, Outcome: acquiring.OutcomeNotSent,
			Message: "there is no signature to explain: the provider signs nothing, or the client is wrapped"}
	}
	return e.ExplainCallback(r)
}

// Explanation says what a provider's signature is made over and what is wrong
// with a notification. It is for the eyes of a developer with test keys: it has
// the notification's own values in it.
type Explanation struct {
	Provider string
	// Rule is what the provider signs, and how.
	Rule string
	// Signed is the text that the signature must be over, as this notification
	// gives it, with the secret masked; "" where the notification gives none.
	Signed string
	// Faults are what is wrong, the one that stops it first, each with what to do
	// about it. None: the signature fits.
	Faults []string

	secrets []string
}

// masked stands for a secret.
const masked = "[secret]"

// NewExplanation begins an explanation of the request, for a client of the given
// environment, and gives the request's body, which can be read again after it.
// The secrets are masked in all that the explanation says. It is what the
// implementations of Explainer begin with; the error is ErrUnsupported for
// another environment than acquiring.Test, ErrSignature for a body too large.
func NewExplanation(env acquiring.Environment, provider string, r *http.Request, secrets ...string) (*Explanation, []byte, error) {
	if env != acquiring.Test {
		return nil, nil, &acquiring.Error{Provider: provider, Op: "explain", Kind: acquiring.ErrUnsupported, Outcome: acquiring.OutcomeNotSent,
			Message: "a signature is explained with test keys only", Hint: "reproduce it with a client of acquiring.Test, on the emulator or in the bank's test environment"}
	}
	body, err := ReadBody(r, 0)
	if err != nil {
		return nil, nil, acquiring.InOp(provider, "explain", err)
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return &Explanation{Provider: provider, secrets: secrets}, body, nil
}

// Fits says whether the signature is right and the notification is taken.
func (e *Explanation) Fits() bool { return len(e.Faults) == 0 }

// Sign notes the text that the signature must be over; after it stands the secret
// where it is hashed with the text.
func (e *Explanation) Sign(text []byte, thenSecret bool) {
	e.Signed = e.hide(string(text))
	if thenSecret {
		e.Signed += masked
	}
}

// Blame notes a fault.
func (e *Explanation) Blame(format string, args ...any) {
	e.Faults = append(e.Faults, e.hide(fmt.Sprintf(format, args...)))
}

// BlameError notes what an error says, without the provider's name before it.
func (e *Explanation) BlameError(err error) {
	known, ok := errors.AsType[*acquiring.Error](err)
	if !ok {
		e.Blame("%s", err)
		return
	}
	text := known.Message
	if known.Field != "" {
		text = known.Field + ": " + text
	}
	if known.Hint != "" {
		text += "; " + known.Hint
	}
	e.Blame("%s", text)
}

// Guess notes the first of the guesses whose signature would have fitted, and
// says whether there was one. It is for the usual mistakes: a guess makes the
// signature anew in another way and compares.
func (e *Explanation) Guess(guesses ...Guess) bool {
	for _, g := range guesses {
		if g.Fits() {
			e.Blame("%s", g.Fault)
			return true
		}
	}
	return false
}

// Guess is a usual mistake: what it is, and whether the signature fits if it was
// made.
type Guess struct {
	Fault string
	Fits  func() bool
}

func (e *Explanation) hide(text string) string {
	for _, secret := range e.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, masked)
		}
	}
	return text
}

// String is the explanation in lines.
func (e *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: the signature ", e.Provider)
	if e.Fits() {
		b.WriteString("fits\n")
	} else {
		b.WriteString("does not fit\n")
	}
	fmt.Fprintf(&b, "  rule:   %s\n", e.Rule)
	if e.Signed != "" {
		fmt.Fprintf(&b, "  signed: %s\n", e.Signed)
	}
	for _, fault := range e.Faults {
		fmt.Fprintf(&b, "  fault:  %s\n", fault)
	}
	return b.String()
}
