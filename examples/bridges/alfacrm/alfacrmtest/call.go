package alfacrmtest

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// object is a JSON object.
type object = emulator.Object

// call is one request.
type call struct {
	*Server
	w      http.ResponseWriter
	r      *http.Request
	branch int
	in     object
}

func (c call) answer(status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	c.w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(b)
}

// problem is a refusal before any method looked at the request. Its body is
// not published; it has what the errors of such services usually have.
func (c call) problem(status int, name, message string) {
	if c.opt.unknowns.HTMLErrors {
		c.w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		c.w.WriteHeader(status)
		fmt.Fprintf(c.w, "<!DOCTYPE html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>", name, message)
		return
	}
	c.answer(status, object{"name": name, "message": message, "code": 0, "status": status})
}

func (c call) denied() {
	if c.opt.unknowns.DeniedAs200 {
		c.invalid(map[string]string{"access": "Access Denied"})
		return
	}
	c.problem(c.opt.unknowns.DeniedStatus, "Forbidden", "Access Denied")
}

// invalid refuses fields.
func (c call) invalid(faults map[string]string) {
	var errors any
	if c.opt.unknowns.ErrorsAsList {
		list := []string{}
		for _, text := range faults {
			list = append(list, text)
		}
		slices.Sort(list)
		errors = list
	} else {
		byField := map[string][]string{}
		for field, text := range faults {
			byField[field] = []string{text}
		}
		errors = byField
	}
	out := object{"success": false, "errors": errors, "model": nil}
	if c.opt.unknowns.NoSuccess {
		delete(out, "success")
	}
	c.answer(c.opt.unknowns.InvalidStatus, out)
}

func (c call) login() {
	k := emulator.Check{Lenient: true}
	email, key := k.Text(c.in, "", "email", true), k.Text(c.in, "", "api_key", true)
	for _, u := range c.opt.users {
		if k.Fault() != "" || !strings.EqualFold(u.Email, email) || subtle.ConstantTimeCompare([]byte(u.APIKey), []byte(key)) != 1 {
			continue
		}
		c.mu.Lock()
		if c.opt.unknowns.OneToken {
			for t, known := range c.tokens {
				if known.user.Email == u.Email {
					delete(c.tokens, t)
				}
			}
		}
		t := c.base.IDs.Hex(32)
		c.tokens[t] = token{user: u, until: c.base.Clock.Now().Add(c.opt.tokenLife)}
		c.logins++
		c.mu.Unlock()
		c.answer(http.StatusOK, object{"token": t})
		return
	}
	c.problem(c.opt.unknowns.LoginStatus, "Forbidden", "Неверный email или ключ API.")
}

// allowed checks the token, the role and the branch.
func (c call) allowed() bool {
	c.mu.Lock()
	t, known := c.tokens[c.r.Header.Get("X-ALFACRM-TOKEN")]
	c.mu.Unlock()
	if !known || !c.base.Clock.Now().Before(t.until) {
		c.problem(c.opt.unknowns.TokenStatus, "Unauthorized", "Your request was made with invalid credentials.")
		return false
	}
	branch := slices.ContainsFunc(c.opt.branches, func(b Branch) bool { return b.ID == c.branch })
	if t.user.NoAPI || !branch || t.user.Branches != nil && !slices.Contains(t.user.Branches, c.branch) {
		c.denied()
		return false
	}
	return true
}

// id writes an identifier as the account's answers have it.
func (c call) id(n int) any {
	if c.opt.unknowns.IDsAsText {
		return strconv.Itoa(n)
	}
	return n
}

// page answers the part of the rows that the request asks for. The rows come
// with the lowest id first.
func page[T any](c call, rows []T, show func(T) object) {
	k := emulator.Check{Lenient: true}
	n, _ := k.Integer(c.in, "", "page", false, nil)
	size := c.opt.pageSize
	if asked, err := strconv.Atoi(c.r.URL.Query().Get("per-page")); err == nil && asked > 0 {
		size = min(asked, c.opt.pageMost)
	}
	if c.opt.unknowns.PagesFromOne {
		n = max(n, 1) - 1
	}
	if !c.opt.unknowns.OldestFirst {
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	total := len(rows)
	from := min(max(int(n), 0)*size, total)
	rows = rows[from:min(from+size, total)]
	items := make([]object, 0, len(rows))
	for _, row := range rows {
		items = append(items, show(row))
	}
	c.answer(http.StatusOK, object{"total": total, "count": len(items), "page": n, "items": items})
}

func (c call) dictionary(entries []Entry) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	page(c, entries, func(e Entry) object { return object{"id": c.id(e.ID), "name": e.Name} })
}

// digits are the last ten digits of a phone number.
func digits(phone string) string {
	d := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
	return d[max(0, len(d)-10):]
}

func (c Customer) in(branch int) bool {
	if c.Branches == nil {
		return branch == DefaultBranch
	}
	return slices.Contains(c.Branches, branch)
}

// customers lists the clients of the branch: those who study and are not in
// the archive, unless is_study and removed ask for others.
func (c call) customers() {
	k := emulator.Check{Lenient: true}
	id, byID := k.Integer(c.in, "", "id", false, nil)
	study, byStudy := k.Integer(c.in, "", "is_study", false, nil)
	removed, _ := k.Integer(c.in, "", "removed", false, nil)
	phone := digits(k.Text(c.in, "", "phone", false))
	if k.Fault() != "" {
		c.invalid(map[string]string{"filter": k.Fault()})
		return
	}
	var rows []Customer
	for _, one := range c.opt.customers {
		switch {
		case !one.in(c.branch), byID && int64(one.ID) != id,
			byStudy && (study == 0) != one.Lead, !byStudy && !byID && one.Lead,
			removed == 0 && one.Removed, removed == 2 && !one.Removed,
			phone != "" && !slices.ContainsFunc(one.Phones, func(p string) bool { return digits(p) == phone }):
			continue
		}
		rows = append(rows, one)
	}
	slices.SortFunc(rows, func(a, b Customer) int { return cmp.Compare(a.ID, b.ID) })
	page(c, rows, func(one Customer) object {
		flag := map[bool]int{true: 1}
		return object{"id": c.id(one.ID), "branch_ids": one.Branches, "name": one.Name, "phone": one.Phones,
			"is_study": flag[!one.Lead], "removed": flag[one.Removed], "balance": c.Balance(one.ID).String()}
	})
}
