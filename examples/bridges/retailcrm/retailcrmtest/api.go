package retailcrmtest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// object is a JSON object.
type object = emulator.Object

// call is one authentic request with a permission.
type call struct {
	*Server
	emulator.Check
	w    http.ResponseWriter
	r    *http.Request
	key  *apiKey
	body object // of the form's one field; nil for a GET
}

// Fail adds a fault of the request.
func (c *call) Fail(format string, args ...any) { c.Check.Fail(format, args...) }

// method is an endpoint of the API.
type method struct {
	pattern string
	needs   string // permission; "": a good key is enough
	scope   string // that opens it, for the words of a refusal
	field   string // of the form; "": a GET
	serve   func(*call)
}

var table = []method{
	{"GET /api/api-versions", "", "", "", (*call).versions},
	{"GET /api/credentials", "", "", "", (*call).credentials},
	{"GET /api/v5/credentials", "", "", "", (*call).credentials},
	{"GET /api/v5/integration-modules/{code}", MethodModule, ScopeIntegrationRead, "", (*call).getModule},
	{"POST /api/v5/integration-modules/{code}/edit", MethodModuleEdit, ScopeIntegrationWrite, "integrationModule", (*call).editModule},
	{"POST /api/v5/integration-modules/{code}/update-scopes", MethodModuleEdit, ScopeIntegrationWrite, "requires", (*call).updateScopes},
	{"POST /api/v5/payment/check", MethodUpdateInvoice, ScopePaymentsWrite, "check", (*call).check},
	{"POST /api/v5/payment/create-invoice", MethodCreateInvoice, ScopePaymentsWrite, "createInvoice", (*call).createInvoice},
	{"POST /api/v5/payment/update-invoice", MethodUpdateInvoice, ScopePaymentsWrite, "updateInvoice", (*call).updateInvoice},
	{"GET /api/v5/payment/invoice/{uuid}", MethodInvoice, ScopePaymentsRead, "", (*call).getInvoice},
	{"POST /api/v5/payment/invoice/import", MethodImport, ScopePaymentsWrite, "invoice", (*call).importInvoice},
}

// api is the handler of all methods.
func (s *Server) api() http.Handler {
	mux := http.NewServeMux()
	// The one method without a key: it says where the account is.
	mux.HandleFunc("GET /api/system-info", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, object{"success": true, "systemVersion": "8.9.12", "publicUrl": s.URL, "technicalUrl": s.URL})
	})
	for _, m := range table {
		mux.HandleFunc(m.pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(m, w, r) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusNotFound, object{"success": false, "errorMsg": "API method not found."})
	})
	return mux
}

// op names the method of a request.
func op(r *http.Request) string {
	path := strings.TrimPrefix(strings.TrimPrefix(strings.Trim(r.URL.Path, "/"), "api/"), "v5/")
	parts := strings.Split(path, "/")
	switch {
	case parts[0] == "integration-modules" && len(parts) == 3:
		return parts[0] + "/" + parts[2]
	case parts[0] == "integration-modules":
		return parts[0]
	case parts[0] == "payment" && len(parts) == 3 && parts[2] != "import":
		return OpInvoice
	}
	return path
}

func (s *Server) serve(m method, w http.ResponseWriter, r *http.Request) {
	c := &call{Server: s, w: w, r: r}
	sent := r.Header.Get("X-API-KEY")
	if sent == "" {
		c.refuse(http.StatusForbidden, `"apiKey" is missing.`)
		return
	}
	s.mu.Lock()
	c.key = s.keys[sent]
	many := c.key != nil && s.tooMany(c.key)
	s.mu.Unlock()
	switch {
	case c.key == nil:
		c.refuse(s.opt.wrongKeyStatus, `Wrong "apiKey" value.`)
		return
	case many:
		c.refuse(s.opt.limitStatus, "API requests limit exceeded.")
		return
	case m.needs != "" && !slices.Contains(c.key.opened(), m.needs):
		c.refuse(http.StatusForbidden, fmt.Sprintf("Access denied: the key has no permission %s (%s).", m.needs, m.scope))
		return
	}
	if m.field != "" {
		if why := c.read(m.field); why != "" {
			c.refuse(http.StatusBadRequest, why)
			return
		}
	}
	m.serve(c)
}

// read takes the form and the one field in it.
func (c *call) read(field string) string {
	kind, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return "The body must be a form (application/x-www-form-urlencoded)."
	}
	if err := c.r.ParseForm(); err != nil {
		return "The form cannot be read."
	}
	if len(c.r.PostForm) != 1 || len(c.r.PostForm[field]) != 1 {
		return fmt.Sprintf("The form must have one field %q.", field)
	}
	var v any
	if err := emulator.DecodeJSON([]byte(c.r.PostForm.Get(field)), &v); err != nil {
		return fmt.Sprintf("Field %q: %v.", field, err)
	}
	o, ok := v.(map[string]any)
	if !ok {
		return fmt.Sprintf("Field %q must hold a JSON object.", field)
	}
	c.body = o
	return ""
}

// known refuses fields that the API does not have: they are mistypings.
func (c *call) known(o object, path string, names ...string) {
	for name := range o {
		if !slices.Contains(names, name) {
			c.Fail("поле %s неизвестно", emulator.At(path, name))
		}
	}
}

// address is a field with an http(s) address.
func (c *call) address(o object, path, name string, required bool) string {
	v := c.Text(o, path, name, required)
	if v == "" {
		return ""
	}
	if !isURL(v) {
		c.Fail("поле %s: не адрес", emulator.At(path, name))
	}
	return v
}

func isURL(v string) bool {
	u, err := url.Parse(v)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// uuid is a required field with a UUID.
func (c *call) uuid(o object, name string) string {
	v := c.Text(o, "", name, true)
	if v != "" && !uuidForm.MatchString(strings.ToLower(v)) {
		c.Fail("поле %s: не UUID", name)
	}
	return strings.ToLower(v)
}

// failed answers 400 if a field is at fault. The errors are an object for
// modules and an array for payments: clients must read both.
func (c *call) failed(asObject bool) bool {
	if len(c.Faults) == 0 {
		return false
	}
	var errors any = c.Faults
	if asObject {
		o := object{}
		for _, f := range c.Faults {
			name, why, _ := strings.Cut(strings.TrimPrefix(f, "поле "), " ")
			o[strings.TrimSuffix(name, ":")] = why
		}
		errors = o
	}
	write(c.w, http.StatusBadRequest, object{"success": false, "errorMsg": "Errors in the entity format", "errors": errors})
	return true
}

func (c *call) refuse(status int, why string) {
	write(c.w, status, object{"success": false, "errorMsg": why})
}

func (c *call) answer(o object) {
	o["success"] = true
	write(c.w, http.StatusOK, o)
}

func write(w http.ResponseWriter, status int, o object) {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func (c *call) versions() { c.answer(object{"versions": []string{"3.0", "4.0", "5.0"}}) }

func (c *call) credentials() {
	c.mu.Lock()
	opened, scopes := c.key.opened(), slices.Clone(c.key.scopes)
	c.mu.Unlock()
	if scopes == nil {
		scopes = []string{}
	}
	c.answer(object{"credentials": opened, "scopes": scopes, "siteAccess": "access_full", "sitesAvailable": []string{}})
}
