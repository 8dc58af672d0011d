package paymastertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// refusal is an error of v2.
type refusal struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Errors  []string `json:"errors,omitempty"`
	status  int      // 0: by the code
	empty   bool     // no body
}

const listMessage = "One or many validation errors. See 'errors' list."

// statuses of the codes; the documentation gives none.
var errorStatus = map[string]int{
	"validation_error": http.StatusBadRequest, "not_authorized": http.StatusUnauthorized, "idempotency_key_violation": http.StatusConflict,
	"invalid_operation": http.StatusBadRequest, "payment_token_revoked": http.StatusBadRequest, "payment_token_blocked": http.StatusBadRequest,
}

func invalid(faults ...string) *refusal {
	return &refusal{Code: "validation_error", Message: listMessage, Errors: faults}
}

func wrongState(message string) *refusal {
	return &refusal{Code: "invalid_operation", Message: message}
}

func (s *Server) notFound(what string) *refusal {
	f := &refusal{Code: "validation_error", Message: what + " not found.", status: http.StatusNotFound}
	switch s.opt.unknown.NotFound {
	case NotFoundEmpty:
		f.empty = true
	case NotFound400:
		f.status = http.StatusBadRequest
	}
	return f
}

// query are the parameters of a GET, their names in lower case.
type query map[string]string

// call is one request to v2. The emulator's lock is held while it is served.
type call struct {
	id    string // of the path
	query query
	body  object
}

// route is a method of v2.
type route struct {
	name   string // for faults: "PUT /payments/{id}/confirm"
	method string
	parts  []string
	serve  func(*Server, call) (any, *refusal)
}

var routes []route

func init() {
	for _, e := range []struct {
		name  string
		serve func(*Server, call) (any, *refusal)
	}{
		{"POST /invoices", (*Server).createInvoice},
		{"POST /payments", (*Server).createPayment},
		{"GET /payments", (*Server).listPayments},
		{"GET /payments/{id}", (*Server).readPayment},
		{"PUT /payments/{id}/complete", (*Server).completePayment},
		{"PUT /payments/{id}/confirm", (*Server).confirmPayment},
		{"PUT /payments/{id}/cancel", (*Server).cancelPayment},
		{"POST /refunds", (*Server).createRefund},
		{"GET /refunds", (*Server).listRefunds},
		{"GET /refunds/{id}", (*Server).readRefund},
		{"POST /receipts", (*Server).createReceipt},
		{"GET /receipts", (*Server).listReceipts},
		{"GET /receipts/{id}", (*Server).readReceipt},
		{"POST /tokenization", (*Server).tokenizeByPage},
		{"POST /paymenttokens", (*Server).createToken},
		{"GET /paymenttokens/{id}", (*Server).readToken},
		{"PUT /paymenttokens/{id}/complete", (*Server).completeToken},
		{"PUT /paymenttokens/{id}/revoke", (*Server).revokeToken},
		{"POST /stickers", (*Server).createSticker},
		{"GET /stickers", (*Server).listStickers},
		{"GET /stickers/{id}", (*Server).readSticker},
		{"PUT /stickers/{id}", (*Server).switchSticker},
	} {
		method, path, _ := strings.Cut(e.name, " ")
		routes = append(routes, route{e.name, method, strings.Split(strings.Trim(path, "/"), "/"), e.serve})
	}
}

// findRoute finds the method of a path; id is what stands for {id}. known says
// that the path exists, if not with this verb.
func findRoute(method, path string) (rt *route, id string) {
	rt, id, _ = lookUp(method, path)
	return rt, id
}

func lookUp(method, path string) (rt *route, id string, known bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) < 3 {
		return nil, "", false
	}
	parts = parts[2:]
next:
	for i := range routes {
		r := &routes[i]
		if len(r.parts) != len(parts) {
			continue
		}
		got := ""
		for j, part := range r.parts {
			if part == "{id}" {
				got = parts[j]
			} else if !strings.EqualFold(part, parts[j]) {
				continue next
			}
		}
		known = true
		if r.method == method {
			return r, got, true
		}
	}
	return nil, "", known
}

// idempotent is a request that came with a key.
type idempotent struct {
	at     time.Time
	digest [32]byte
	status int
	answer []byte
}

func (s *Server) serveV2(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	rt, id, known := lookUp(r.Method, r.URL.Path)
	if rt == nil {
		status := http.StatusNotFound
		if known {
			status = http.StatusMethodNotAllowed
		}
		w.WriteHeader(status)
		return
	}
	s.mu.Lock()
	status, answer := s.answerV2(rt, id, r, body)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

func (s *Server) answerV2(rt *route, id string, r *http.Request, body []byte) (int, []byte) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token != s.opt.account.Token {
		return s.refusedV2(&refusal{Code: "not_authorized", Message: "Not enough rights for the operation."})
	}
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost || key == "" {
		return s.workV2(rt, id, r, body)
	}
	if s.opt.unknown.KeyPerEndpoint {
		key = rt.name + " " + key
	}
	now, digest := s.base.Clock.Now(), sha256.Sum256(append([]byte(rt.name+"\x00"), body...))
	if was := s.keys[key]; was != nil && (s.opt.unknown.KeyLife == 0 || now.Sub(was.at) < s.opt.unknown.KeyLife) {
		if s.opt.unknown.KeyReplay && was.digest == digest {
			return was.status, was.answer
		}
		return s.refusedV2(&refusal{Code: "idempotency_key_violation", Message: "Idempotency key uniqueness is violated: the request is a duplicate."})
	}
	status, answer := s.workV2(rt, id, r, body)
	if status < http.StatusMultipleChoices || !s.opt.unknown.KeyNotUsed {
		s.keys[key] = &idempotent{now, digest, status, answer}
	}
	return status, answer
}

func (s *Server) workV2(rt *route, id string, r *http.Request, body []byte) (int, []byte) {
	c := call{id: id, query: query{}}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return s.refusedV2(invalid("Malformed query."))
	}
	for name, v := range values {
		c.query[strings.ToLower(name)] = v[0]
	}
	if r.Method != http.MethodGet {
		var no *refusal
		if c.body, no = readBody(r, body); no != nil {
			return s.refusedV2(no)
		}
	}
	v, no := rt.serve(s, c)
	if no != nil {
		return s.refusedV2(no)
	}
	if v == nil {
		return http.StatusOK, nil
	}
	return http.StatusOK, encode(v)
}

func (s *Server) refusedV2(no *refusal) (int, []byte) {
	status := no.status
	if status == 0 {
		status = errorStatus[no.Code]
		if told := s.opt.unknown.ErrorStatus[no.Code]; told != 0 {
			status = told
		}
	}
	if no.empty || s.opt.unknown.EmptyErrors {
		return status, nil
	}
	return status, encode(no)
}

// readBody reads the object of a POST or PUT. A PUT may have none, or null.
func readBody(r *http.Request, body []byte) (object, *refusal) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || string(body) == "null" {
		if r.Method == http.MethodPut {
			return object{}, nil
		}
		return nil, invalid("Request body is required.")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &refusal{Code: "validation_error", Message: "Content-Type must be application/json.", status: http.StatusUnsupportedMediaType}
	}
	var v map[string]any
	if err := emulator.DecodeJSON(body, &v); err != nil || v == nil {
		return nil, invalid("Request body is not a JSON object.")
	}
	return fold(v).(object), nil
}

// fold puts the names in lower case, as they are matched without regard to
// case; the merchant's own params stay.
func fold(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(object, len(v))
		for name, e := range v {
			if name = strings.ToLower(name); name == "params" {
				out[name] = e
				continue
			}
			out[name] = fold(e)
		}
		return out
	case []any:
		for i := range v {
			v[i] = fold(v[i])
		}
	}
	return v
}

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
