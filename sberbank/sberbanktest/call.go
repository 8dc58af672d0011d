package sberbanktest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

// obj is a JSON object.
type obj = gateway.Object

// method is one of the bank's methods.
type method struct {
	schema  schema
	run     func(*call) (obj, *gateway.Refusal)
	family  byte   // how success is said: 'A' (0), 'B', 'C' or 'D', specification section 4
	errorIn string // the field that holds the text, where it is not errorMessage
	idem    bool   // x-idempotencyKey is declared for it
	noAuth  bool
}

// call is one request, read and authenticated, under Server.mu.
type call struct {
	gateway.Fields

	s      *Server
	r      *http.Request
	op     string
	legacy bool
	family byte
	m      *merchant
	lang   string
	now    time.Time

	rawParams string // jsonParams of the legacy gateway, as they came
}

// reply is an answer kept for its idempotency key.
type reply struct {
	at   time.Time
	body []byte
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/ecomm/gw/partner/api/"):
		s.serveNew(w, r, strings.TrimPrefix(path, "/ecomm/gw/partner/api/"))
	case strings.HasPrefix(path, "/payment/rest/"):
		s.serveLegacy(w, r, strings.TrimPrefix(path, "/payment/rest/"))
	case strings.HasPrefix(path, "/payment/merchants/"), path == "/pp/pay_ru", path == "/credits/pay_ru", path == "/process_form/start":
		s.servePage(w, r)
	case strings.HasPrefix(path, "/acs/"):
		s.serveACS(w, r)
	case strings.HasPrefix(path, receiptPath):
		s.serveReceipt(w, r)
	case strings.HasPrefix(path, "/mportal/"), strings.HasPrefix(path, "/mportal-uat/"):
		s.serveMportal(w, r)
	default:
		s.serveLegacyJSON(w, r, path)
	}
}

// serveNew is the new gateway: POST with JSON, and a closed schema.
func (s *Server) serveNew(w http.ResponseWriter, r *http.Request, path string) {
	m, ok := newMethods[path]
	switch {
	case !ok:
		gateway.EmptyHTML(w, http.StatusNotFound)
		return
	case r.Method != http.MethodPost:
		gateway.EmptyHTML(w, http.StatusMethodNotAllowed)
		return
	}
	body, _ := io.ReadAll(r.Body)
	c := &call{s: s, r: r, op: opOf(r), family: m.family}
	key := r.Header.Get("x-idempotencyKey")
	if key != "" && m.idem {
		w.Header().Set("x-idempotencyKey", key)
	}
	in, err := gateway.DecodeObject(body)
	c.In = in
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.base.Clock.Now()
	var out obj
	var no *gateway.Refusal
	switch {
	case err != nil:
		no = gateway.Refuse(5, tSchema).Because("the body is not one JSON object in UTF-8: " + err.Error())
	default:
		no = c.checkNew(m)
	}
	if no == nil && key != "" && m.idem && s.cfg.unknowns.IdempotencyKeys {
		id := c.m.UserName + "\x00" + path + "\x00" + key
		if old, ok := s.replies[id]; ok && c.now.Sub(old.at) < 24*time.Hour {
			gateway.WriteBody(w, http.StatusOK, "application/json", old.body)
			return
		}
		out, no = m.run(c)
		s.replies[id] = reply{c.now, s.write(w, c, m, out, no)}
		return
	}
	if no == nil {
		out, no = m.run(c)
	}
	s.write(w, c, m, out, no)
}

// checkNew holds the request against the schema, then asks who it is.
func (c *call) checkNew(m method) *gateway.Refusal {
	if bad := m.schema.check(c.In, ""); bad != nil {
		code := 5
		t := tSchema
		if bad.missing && bad.path != "userName" && bad.path != "password" {
			code = c.s.code(c.s.cfg.unknowns.MissingCode, 4)
			if code == 4 {
				t = tMissing
			}
		}
		c.lang = c.asked()
		return gateway.Refuse(code, t).Because(bad.String())
	}
	if m.noAuth {
		c.lang = "ru"
		return nil
	}
	return c.login(c.Str("userName"), c.Str("password"))
}

// asked is the language of the request.
func (c *call) asked() string {
	if l, ok := c.In["language"].(string); ok {
		return l
	}
	return ""
}

// login finds the merchant and its rights.
func (c *call) login(user, password string) *gateway.Refusal {
	m := c.s.merchants[user]
	if m == nil || m.Password != password {
		c.lang = c.m.lang(c.asked())
		if c.legacy && c.asked() == "" {
			c.lang = "en" // as the live gateway answers
		}
		return gateway.Refuse(5, tAccess).Because("wrong userName or password")
	}
	c.m = m
	c.lang = m.lang(c.asked())
	if m.MustChangePassword {
		return gateway.Refuse(5, tMustChange)
	}
	return c.right()
}

func (c *call) right() *gateway.Refusal {
	if slices.Contains(c.m.NoRight, c.op) {
		return gateway.Refuse(5, tNoRight).Because("the merchant has no right for " + c.op)
	}
	if child := c.Str("merchantLogin"); child != "" && !slices.Contains(c.m.Children, child) && child != c.m.UserName {
		return gateway.Refuse(5, tAccess).Because("merchantLogin is not a child of this merchant")
	}
	return nil
}

func (s *Server) code(set, own int) int {
	if set != 0 {
		return set
	}
	return own
}

// write answers and returns what it wrote.
func (s *Server) write(w http.ResponseWriter, c *call, m method, out obj, no *gateway.Refusal) []byte {
	status := http.StatusOK
	if no != nil {
		no.WriteReason(w)
		out, status = c.refused(m, no)
	} else if out == nil {
		out = obj{}
	}
	body := s.encode(out)
	contentType := "application/json"
	if c.legacy && c.family != 'B' {
		contentType = "text/plain;charset=UTF-8"
	}
	gateway.WriteBody(w, status, contentType, body)
	return body
}

// refused is the refusal in the words of the method's family.
func (c *call) refused(m method, no *gateway.Refusal) (obj, int) {
	words := no.Text.In(c.lang)
	out := obj{}
	for k, v := range no.With {
		out[k] = v
	}
	switch c.family {
	case 'B':
		e := obj{"code": strconv.Itoa(no.Code), "description": words}
		if c.legacy {
			e["code"], e["message"] = no.Code, words
		}
		out["success"], out["error"] = false, e
	case 'C':
		out["message"] = words
		if no.HTTP == 0 {
			return out, http.StatusBadRequest
		}
		return out, no.HTTP
	case 'D':
		out["errorCode"] = strconv.Itoa(no.Code)
		if strings.HasSuffix(c.r.URL.Path, "/generate") {
			out["errorMessage"] = words
			if no.HTTP != 0 {
				return out, no.HTTP
			}
		} else {
			out["description"] = words
		}
	default:
		code, message := "errorCode", "errorMessage"
		if m.errorIn == "ErrorMessage" {
			code, message = "ErrorCode", "ErrorMessage"
		} else if m.errorIn != "" {
			message = m.errorIn
		}
		out[code], out[message] = strconv.Itoa(no.Code), words
	}
	return out, http.StatusOK
}

// ok is success in the words of family A.
func (c *call) ok(with obj) obj {
	if with == nil {
		with = obj{}
	}
	with["errorCode"], with["errorMessage"] = "0", tOK.In(c.lang)
	return with
}

func (s *Server) encode(out obj) []byte {
	if u := s.cfg.unknowns; u.NumbersAsText || u.TextAsNumbers || u.NoErrorCode {
		out = gateway.Rewrite(out, u.odd)
	}
	return gateway.Encode(out)
}

// odd turns an answer into what live gateways answer instead of what the
// schema says.
func (u Unknowns) odd(name string, v any) (any, bool) {
	switch {
	case u.NoErrorCode && name == "errorCode" && (v == "0" || v == 0):
		return nil, false
	case u.TextAsNumbers && (name == "errorCode" || name == "currency" || name == "terminalId"):
		if s, ok := v.(string); ok && gateway.Digits(s) {
			return json.Number(s), true
		}
	case u.NumbersAsText:
		switch n := v.(type) {
		case int, int64, money.Amount:
			b, _ := json.Marshal(n)
			return string(b), true
		}
	}
	return v, true
}

// has says whether the field is there.
func (c *call) has(name string) bool { _, ok := c.In[name]; return ok }

// sum is a sum in kopecks; false: it is none.
func (c *call) sum(name string) (money.Amount, bool) {
	n, err := strconv.ParseInt(c.Str(name), 10, 64)
	if err != nil || n < 0 || n > maxAmount {
		return 0, false
	}
	return money.Amount(n), true
}

// order finds the merchant's order by its id.
func (c *call) order(id string) (*order, *gateway.Refusal) {
	o := c.s.orders[id]
	if o == nil || o.merchant != c.m || o.legacy != c.legacy {
		return nil, c.notFound()
	}
	c.s.desk.Touch(&o.Order)
	return o, nil
}

// orderByRef finds it by orderId or orderNumber, whichever is there.
func (c *call) orderByRef() (*order, *gateway.Refusal) {
	id, number := c.Str("orderId"), c.Str("orderNumber")
	if c.legacy && number == "" {
		number = c.Str("merchantOrderNumber")
	}
	switch {
	case id == "" && number == "", !c.legacy && id != "" && number != "":
		if c.legacy {
			return nil, gateway.Refuse(1, tNoOrderRef)
		}
		return nil, gateway.Refuse(5, tSchema).Because("exactly one of orderId and orderNumber must be sent")
	case id != "":
		return c.order(id)
	}
	o := c.s.numbers[numberKey{c.m, c.legacy, number}]
	if o == nil {
		return nil, c.notFound()
	}
	c.s.desk.Touch(&o.Order)
	return o, nil
}

func (c *call) notFound() *gateway.Refusal {
	code := 6
	if !c.legacy {
		code = c.s.code(c.s.cfg.unknowns.NotFoundCode, 6)
	}
	if code == 6 {
		return &gateway.Refusal{Code: 6, Text: tWrongNumber, HTTP: http.StatusNotFound}
	}
	return &gateway.Refusal{Code: code, Text: tNotFound, HTTP: http.StatusNotFound}
}
