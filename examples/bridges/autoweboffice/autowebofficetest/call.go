package autowebofficetest

import (
	"bytes"
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// call is one request.
type call struct {
	*Server
	w http.ResponseWriter
	r *http.Request
	q url.Values
}

func op(r *http.Request) string {
	resource, _ := strings.CutPrefix(r.URL.Query().Get("r"), "api/rest/")
	return r.Method + " " + resource
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := call{Server: s, w: w, r: r, q: r.URL.Query()}
	resource, ok := strings.CutPrefix(c.q.Get("r"), "api/rest/")
	t := s.tables[resource]
	if !ok || t == nil || r.URL.Path != "/" && r.URL.Path != "" {
		http.Error(w, "<html><body>404 Not Found</body></html>", http.StatusNotFound)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodGet:
		if c.key(s.opt.getKey) || s.opt.unknowns.SetKeyReads && c.key(s.opt.setKey) {
			c.read(t)
			return
		}
	case http.MethodPost:
		if c.key(s.opt.setKey) {
			c.create(t, resource)
			return
		}
	case http.MethodPut:
		if c.key(s.opt.setKey) {
			c.change(t)
			return
		}
	default:
		http.Error(w, "", http.StatusMethodNotAllowed)
		return
	}
	c.refuse(s.opt.unknowns.KeyStatus, "Неверный ключ API")
}

func (c call) key(want string) bool {
	return subtle.ConstantTimeCompare([]byte(c.q.Get("key")), []byte(want)) == 1
}

func (c call) refuse(status int, text string) {
	if c.opt.unknowns.TextErrors {
		c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		c.w.WriteHeader(status)
		_, _ = io.WriteString(c.w, "Error: "+text)
		return
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(status)
	_ = json.NewEncoder(c.w).Encode(map[string]string{"error": text})
}

func (c call) answer(b []byte) {
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = c.w.Write(b)
}

// show is an object as answers have it: every value is text.
func (c call) show(row map[string]string) json.RawMessage {
	var v any = row
	if c.opt.unknowns.Numbers {
		typed := map[string]any{}
		for name, text := range row {
			typed[name] = text
			if _, err := money.Parse(text); err == nil && !strings.ContainsAny(text, ", +") && (text == "0" || strings.TrimLeft(text, "0") == text) {
				typed[name] = json.Number(text)
			}
		}
		v = typed
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// read answers a search. Fields that an object does not have match nothing.
func (c call) read(t *table) {
	rows := slices.Clone(t.fields)
	keep := func(fits func(row map[string]string) bool) {
		rows = slices.DeleteFunc(rows, func(row map[string]string) bool { return !fits(row) })
	}
	if id := c.q.Get("id"); id != "" {
		keep(func(row map[string]string) bool { return row[t.id] == id })
	}
	for name, values := range c.q {
		field, ok := bracketed(name, "search")
		if !ok {
			continue
		}
		value := values[0]
		switch field {
		case "creation_date_start":
			keep(func(row map[string]string) bool { return row["creation_date"] >= value })
		case "creation_date_end":
			keep(func(row map[string]string) bool {
				created := row["creation_date"]
				return created[:min(len(value), len(created))] <= value
			})
		default:
			keep(func(row map[string]string) bool { return row[field] == value })
		}
	}
	if sort := c.q.Get("param[sort]"); sort != "" {
		field, desc := strings.CutSuffix(sort, ".desc")
		slices.SortStableFunc(rows, func(a, b map[string]string) int {
			n := compare(a[field], b[field])
			if desc {
				n = -n
			}
			return n
		})
	}
	rows = c.page(rows)
	u := c.opt.unknowns
	switch {
	case len(rows) == 0 && u.EmptyReads404:
		c.refuse(u.MissingStatus, "Ничего не найдено")
	case len(rows) == 1 && u.SingleObject:
		c.answer(c.show(rows[0]))
	default:
		list := make([]json.RawMessage, 0, len(rows))
		for _, row := range rows {
			list = append(list, c.show(row))
		}
		b, err := json.Marshal(list)
		if err != nil {
			panic(err)
		}
		c.answer(b)
	}
}

func bracketed(name, outer string) (inner string, ok bool) {
	inner, ok = strings.CutPrefix(name, outer+"[")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, "]")
}

// compare orders numbers as numbers and everything else as text.
func compare(a, b string) int {
	m, errA := money.Parse(a)
	n, errB := money.Parse(b)
	if errA == nil && errB == nil {
		return cmp.Compare(m, n)
	}
	return cmp.Compare(a, b)
}

func (c call) page(rows []map[string]string) []map[string]string {
	size := c.opt.pageSize
	if n, err := strconv.Atoi(c.q.Get("param[pagesize]")); err == nil && n > 0 {
		size = n
	}
	at, _ := strconv.Atoi(c.q.Get("param[currentpage]"))
	if !c.opt.unknowns.PagesFromZero {
		at = max(at, 1) - 1
	}
	from := min(max(at, 0)*size, len(rows))
	return rows[from:min(from+size, len(rows))]
}

// create takes the objects of an XML document and answers each with a JSON
// document, one right after the other. One that is refused is answered in its
// place, and the others are there.
func (c call) create(t *table, resource string) {
	media, _, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if media != "text/xml" && !c.opt.unknowns.AnyType {
		c.refuse(c.opt.unknowns.InvalidStatus, "Ожидается Content-Type: text/xml")
		return
	}
	body, err := io.ReadAll(io.LimitReader(c.r.Body, 1<<20))
	if err != nil {
		return
	}
	objects, err := parse(body, resource, t.one)
	if err != nil || len(objects) == 0 {
		c.refuse(c.opt.unknowns.InvalidStatus, "Не удалось разобрать XML")
		return
	}
	var out bytes.Buffer
	for _, row := range objects {
		if why := c.check(t, row); why != "" {
			b, _ := json.Marshal(map[string]string{"error": why})
			out.Write(b)
			continue
		}
		delete(row, t.id)
		if t.one == "account" {
			if row["id_account_status"] == "" {
				row["id_account_status"] = "1"
			}
			a, _ := money.Parse(cmp.Or(row[c.opt.sumField], "0"))
			row[c.opt.sumField] = c.sum(a)
		}
		c.insert(t, row)
		out.Write(c.show(row))
	}
	c.answer(out.Bytes())
}

// parse reads <accounts><account><field>…</field></account></accounts>.
func parse(body []byte, outer, inner string) ([]map[string]string, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	var all []map[string]string
	var path []string
	var text strings.Builder
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			path = append(path, tok.Name.Local)
			text.Reset()
			switch {
			case len(path) == 1 && path[0] != outer, len(path) == 2 && path[1] != inner, len(path) > 3:
				return nil, errors.New("another structure")
			case len(path) == 2:
				all = append(all, map[string]string{})
			}
		case xml.CharData:
			text.Write(tok)
		case xml.EndElement:
			if len(path) == 3 {
				all[len(all)-1][tok.Name.Local] = strings.TrimSpace(text.String())
			}
			path = path[:len(path)-1]
		}
	}
}

// check says what is wrong with the fields; "": nothing.
func (c call) check(t *table, row map[string]string) string {
	if t.one != "account" {
		return ""
	}
	if v, there := row["id_account_status"]; there {
		if n, err := strconv.Atoi(v); err != nil || n < int(StatusCreated) || n > int(StatusPaid) {
			return "Неизвестный статус счёта"
		}
	}
	if v, there := row[c.opt.sumField]; there {
		if a, err := money.Parse(v); err != nil || a < 0 {
			return "Неверная сумма счёта"
		}
	}
	return ""
}

// change writes the fields of the query into the object, whatever stands
// there. The body is not looked at.
func (c call) change(t *table) {
	row := t.find(c.q.Get("id"))
	if row == nil {
		c.refuse(c.opt.unknowns.MissingStatus, "Объект не найден")
		return
	}
	fields := map[string]string{}
	for name, values := range c.q {
		if name != "r" && name != "key" && name != "id" && name != t.id {
			fields[name] = values[0]
		}
	}
	if why := c.check(t, fields); why != "" {
		c.refuse(c.opt.unknowns.InvalidStatus, why)
		return
	}
	before := status(row)
	for name, value := range fields {
		row[name] = value
	}
	if _, there := fields["id_account_status"]; there && t.one == "account" {
		id, _ := strconv.Atoi(row[t.id])
		c.changes = append(c.changes, Change{Account: id, From: before, To: status(row)})
		if status(row) == StatusPaid && before != StatusPaid {
			row["date_of_payment"] = c.base.Clock.Now().Format(time.DateTime)
		}
	}
	switch u := c.opt.unknowns; {
	case u.PutIsSilent:
		c.w.WriteHeader(http.StatusOK)
	case u.PutIsArray:
		c.answer(append(append([]byte("["), c.show(row)...), ']'))
	default:
		c.answer(c.show(row))
	}
}
