package tochkatest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// route is one method of the API.
type route struct {
	method, pattern string
	op              string
	permissions     []string // one of them is needed
	body            []field  // nil: none is expected
	query           []field
	run             func(*call) (reply, *refusal)
	sandbox         func(*call) (reply, *refusal) // nil: 403 there
	client          bool                          // for a client's token: consents
	optional        bool                          // the body may be left out
	unlocked        bool                          // run takes the lock itself
}

// call is one request to the API.
type call struct {
	*Server
	r       *http.Request
	route   *route
	path    map[string]string
	query   url.Values
	doc     map[string]any // Data of the body, or the body where it is bare
	grant   *grant
	sandbox bool
}

// reply is an answer.
type reply struct {
	data  any
	bare  bool // without Links and Meta
	pages int
	page  int    // of a list with pages; 0: none
	file  []byte // a PDF instead of all that
}

func ok(data any) (reply, *refusal) { return reply{data: data}, nil }

func result(yes bool) (reply, *refusal) { return ok(object{{"result", yes}}) }

// refusal is an error of the API.
type refusal struct {
	status        int
	code, message string // of Errors[0]
	general       string // message; "": the usual one
}

func no(status int, code, format string, args ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

const wrong = "Something going wrong"

func invalid(name, words string) *refusal {
	return no(http.StatusBadRequest, "Validation Error", "Field %s : %s; ", name, words)
}

func forbidden() *refusal {
	f := no(http.StatusForbidden, wrong, "Forbidden by consent")
	f.general = f.message
	return f
}

// business is how the bank refuses: as a dependent service that failed.
func business(format string, args ...any) *refusal {
	return no(http.StatusFailedDependency, wrong, format, args...)
}

func missing(words string) *refusal { return no(http.StatusNotFound, "HTTPNotFound", "%s", words) }

func unknownMethod() *refusal {
	return no(http.StatusNotImplemented, "HTTPNotImplemented", "Not Implemented")
}

// match finds the method of a request; an accountId in a pattern takes a
// segment with an escaped slash, or two segments.
func (s *Server) match(method string, segments []string) (*route, map[string]string) {
	for i := range s.routes {
		r := &s.routes[i]
		if r.method != method {
			continue
		}
		if params, ok := fits(strings.Split(r.pattern, "/"), segments); ok {
			return r, params
		}
	}
	return nil, nil
}

func fits(pattern, segments []string) (map[string]string, bool) {
	params := map[string]string{}
	for _, p := range pattern {
		if len(segments) == 0 {
			return nil, false
		}
		part, err := url.PathUnescape(segments[0])
		if err != nil {
			return nil, false
		}
		segments = segments[1:]
		switch {
		case p == "{accountId}":
			if !strings.Contains(part, "/") && len(segments) > 0 && bic.MatchString(segments[0]) {
				part += "/" + segments[0]
				segments = segments[1:]
				params["raw"] = "1"
			} else if strings.Contains(part, "/") {
				params["escaped"] = "1"
			}
			params["accountId"] = part
		case strings.HasPrefix(p, "{"):
			if part == "" {
				return nil, false
			}
			params[strings.Trim(p, "{}")] = part
		case p != part:
			return nil, false
		}
	}
	return params, len(segments) == 0
}

var bic = regexp.MustCompile(`^\d{9}$`)

// split tells the prefix of the address from the method's own part.
func (s *Server) split(r *http.Request) (sandbox bool, segments []string, api bool) {
	path := r.URL.EscapedPath()
	rest, api := strings.CutPrefix(path, "/uapi/")
	if !api {
		rest, sandbox = strings.CutPrefix(path, "/sandbox/v2/")
		api = sandbox
	}
	segments = strings.Split(rest, "/")
	if len(segments) == 2 && segments[0] == "v1.0" && segments[1] == "consents" {
		segments = []string{"consent", "v1.0", "consents"} // the alias of the tutorial
	}
	if s.opt.version2 && len(segments) > 1 && segments[1] == "v2.0" {
		segments[1] = "v1.0"
	}
	return sandbox, segments, api
}

// op names the method of a request for faults and the log.
func (s *Server) op(r *http.Request) string {
	_, segments, api := s.split(r)
	if !api {
		switch r.URL.Path {
		case "/connect/token":
			return OpToken
		case "/connect/authorize":
			return OpAuthorize
		case "/connect/introspect":
			return OpIntrospect
		case "/order/", "/order":
			return OpPage
		}
		return r.URL.Path
	}
	if route, _ := s.match(r.Method, segments); route != nil {
		return route.op
	}
	return r.URL.Path
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	sandbox, segments, api := s.split(r)
	if api {
		s.api(w, r, sandbox, segments)
		return
	}
	switch r.URL.Path {
	case "/connect/token":
		s.token(w, r)
	case "/connect/authorize":
		s.authorize(w, r)
	case "/connect/introspect":
		s.introspect(w, r)
	case "/doc/openapi/static/keys/public":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(s.signer.jwk))
	case "/order/", "/order":
		s.page(w, r)
	case "/api":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"ok"}`))
	default:
		if id, ok := strings.CutPrefix(r.URL.Path, "/qr/"); ok {
			s.qrPage(w, r, id)
			return
		}
		s.refuse(w, unknownMethod())
	}
}

// api answers a method. The order of the checks: address, bearer, permission,
// fields, ownership, the rules of the trade.
func (s *Server) api(w http.ResponseWriter, r *http.Request, sandbox bool, segments []string) {
	route, params := s.match(r.Method, segments)
	if route == nil || params["escaped"] != "" && s.opt.noEscapedSlash {
		s.refuse(w, unknownMethod())
		return
	}
	c := &call{Server: s, r: r, route: route, path: params, query: r.URL.Query(), sandbox: sandbox}
	a, fault := c.answer()
	if fault != nil {
		s.refuse(w, fault)
		return
	}
	if a.file != nil {
		w.Header().Set("Content-Type", "application/pdf")
		_, _ = w.Write(a.file)
		return
	}
	body := object{{"Data", a.data}}
	if !a.bare {
		prefix := "/uapi/"
		if sandbox {
			prefix = "/sandbox/v2/"
		}
		body = body.with("Links", c.linksOf(prefix+strings.Join(segments, "/"), a)).with("Meta", object{{"totalPages", max(a.pages, 1)}})
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(nil, body, false))
}

// bankHost is how the bank names itself in its Links, wherever it is reached.
const bankHost = "https://enter.tochka.com"

func (c *call) linksOf(path string, a reply) object {
	self := bankHost + path
	o := object{{"self", self}}
	if a.page == 0 {
		return o
	}
	at := func(page int) string {
		q := c.query
		q.Set("page", strconv.Itoa(page))
		return self + "?" + q.Encode()
	}
	o = o.with("first", at(1))
	if a.page > 1 {
		o = o.with("prev", at(a.page-1))
	}
	if a.page < a.pages {
		o = o.with("next", at(a.page+1))
	}
	return o.with("last", at(max(a.pages, 1)))
}

func (c *call) answer() (reply, *refusal) {
	run := c.route.run
	if c.sandbox {
		run = c.route.sandbox
	}
	c.mu.Lock()
	unlock := true
	defer func() {
		if unlock {
			c.mu.Unlock()
		}
	}()
	if fault := c.authorise(); fault != nil {
		return reply{}, fault
	}
	if run == nil {
		return reply{}, forbidden()
	}
	trouble, troubled := c.takeTrouble(c.route.op)
	if troubled && !trouble.Done {
		return reply{}, trouble.refusal()
	}
	if fault := c.check(); fault != nil {
		return reply{}, fault
	}
	if code := c.r.Header.Get("CustomerCode"); code != "" && !c.sandbox && !slices.Contains(c.grant.customers, code) {
		return reply{}, forbidden()
	}
	if c.path["raw"] != "" && c.opt.noRawSlash {
		return reply{}, missing("Not found statement under account")
	}
	if c.route.unlocked && !c.sandbox {
		unlock = false
		c.mu.Unlock()
	}
	a, fault := run(c)
	if troubled && fault == nil {
		return reply{}, trouble.refusal()
	}
	return a, fault
}

func (t Trouble) refusal() *refusal {
	code := t.Code
	if code == "" {
		code = wrong
	}
	return no(t.Status, code, "%s", t.Message)
}

// check looks at the address's own parts, the query and the body.
func (c *call) check() *refusal {
	var f faults
	if id, ok := c.path["operationId"]; ok {
		if words := textFault(id, text("", 0, 36)); words != "" {
			f.add("operation_id", words)
		}
	}
	for _, q := range c.route.query {
		v, there := c.query[q.name]
		switch {
		case !there && q.required:
			f.add(snake(q.name), "Field required")
		case there && q.kind == kText:
			if words := textFault(v[0], q); words != "" {
				f.add(snake(q.name), words)
			}
		case there && q.kind == kFlag:
			if v[0] != "true" && v[0] != "false" && v[0] != "1" && v[0] != "0" {
				f.add(snake(q.name), "Input should be a valid boolean, unable to interpret input")
			}
		case there:
			f.number(v[0], snake(q.name), q)
		}
	}
	c.checkBody(&f)
	if len(f.list) > 0 {
		return no(http.StatusBadRequest, "Validation Error", "%s", f.text())
	}
	return nil
}

func (c *call) checkBody(f *faults) {
	body := readAll(c.r)
	if c.route.body == nil {
		if t := strings.TrimSpace(string(body)); t != "" && t != "{}" {
			c.note(c.route.op + ": a body where none belongs")
		}
		return
	}
	if c.route.optional && len(body) == 0 {
		return
	}
	if !strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/json") {
		f.add("body", "Input should be a valid dictionary or object to extract fields from")
		return
	}
	var doc any
	if emulator.DecodeJSON(body, &doc) != nil {
		f.add("body", "JSON decode error")
		return
	}
	o, ok := doc.(map[string]any)
	if !ok {
		f.add("body", "Input should be a valid dictionary or object to extract fields from")
		return
	}
	f.object(o, "", c.route.body)
	c.doc, _ = o["Data"].(map[string]any)
	if c.doc == nil {
		c.doc = o
	}
	for i, words := range f.list { // the bank does not name the wrapper
		f.list[i] = strings.Replace(words, "Field Data.", "Field ", 1)
	}
	for _, name := range f.unknown {
		c.note(c.route.op + ": ignored " + name)
	}
}

// snake is customer_code for customerCode.
func snake(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// refuse answers an error; its url is in quotes, as the bank's often are.
func (s *Server) refuse(w http.ResponseWriter, f *refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_, _ = w.Write(encode(nil, s.envelope(f), false))
}

func (s *Server) envelope(f *refusal) object {
	general := f.general
	if general == "" {
		general = "Что-то пошло не так"
	}
	return object{{"code", strconv.Itoa(f.status)}, {"id", s.base.IDs.UUID()}, {"message", general},
		{"Errors", []object{{{"errorCode", f.code}, {"message", f.message}, {"url", `"http://enter.tochka.com/open-banking/docs"`}}}}}
}

// the fields of a body that was checked

func (c *call) text(name string) string { s, _ := c.doc[name].(string); return s }

func (c *call) flag(name string) bool { b, _ := c.doc[name].(bool); return b }

func (c *call) sum(name string) money.Amount { return sumOf(c.doc[name]) }

func sumOf(v any) money.Amount {
	r, ok := rational(v)
	if !ok {
		return 0
	}
	a, _ := emulator.Kopecks(r)
	return a
}

// integer is a whole number; there says whether it was given.
func (c *call) integer(name string) (n int, there bool) {
	r, ok := rational(c.doc[name])
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return int(r.Num().Int64()), true
}

func (c *call) texts(name string) []string {
	list, _ := c.doc[name].([]any)
	var out []string
	for _, e := range list {
		s, _ := e.(string)
		out = append(out, s)
	}
	return out
}

func (c *call) nested(name string) map[string]any {
	o, _ := c.doc[name].(map[string]any)
	return o
}

// queryInt is a whole number of the query, or the default.
func (c *call) queryInt(name string, def int) int {
	n, err := strconv.Atoi(c.query.Get(name))
	if err != nil {
		return def
	}
	return n
}

// company is one that the token may act for, and that is a business.
func (c *call) company(code string) (*Company, *refusal) {
	for _, one := range c.companies {
		if one.CustomerCode == code && !one.Personal && slices.Contains(c.grant.customers, code) {
			return one, nil
		}
	}
	return nil, forbidden()
}

// visible are the companies that the token may see.
func (c *call) visible() []*Company {
	return slices.DeleteFunc(slices.Clone(c.companies), func(one *Company) bool { return !slices.Contains(c.grant.customers, one.CustomerCode) })
}

// number keeps a JSON number of a request as the bank writes it.
func number(v any) any {
	switch v := v.(type) {
	case json.Number:
		return decimal(v.String())
	case string:
		return decimal(v)
	}
	return nil
}
