package paykeeper

import (
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring/webhook"
)

// ExplainCallback is that of the account; see [Client.ExplainCallback].
func (a *Acquirer) ExplainCallback(r *http.Request) (*webhook.Explanation, error) {
	return a.c.ExplainCallback(r)
}

// ExplainCallback says which rule of the signature a notification breaks, for a
// client of acquiring.Test; see webhook.Explain. It asks nobody.
func (c *Client) ExplainCallback(r *http.Request) (*webhook.Explanation, error) {
	e, body, err := webhook.NewExplanation(c.cfg.Environment, provider, r, c.cfg.Secret, c.cfg.PreviousSecret, c.cfg.Password)
	if err != nil {
		return nil, err
	}
	e.Rule = "key is the MD5 in small hexadecimal digits of id, sum, clientid and orderid, as they came, and the secret word, with nothing between; an absent parameter is empty"
	if r.Method != http.MethodPost {
		e.Blame("the request is a %s; a notification is a POST", r.Method)
		return e, nil
	}
	params, err := webhook.ParseForm(nil, string(body))
	if err != nil {
		e.BlameError(err)
		return e, nil
	}
	get := func(name string) string { value, _ := params.Get(name); return value }
	text := get("id") + get("sum") + get("clientid") + get("orderid")
	e.Sign([]byte(text), true)
	if _, err := c.ParseNotification(body); err == nil {
		return e, nil
	} else if key := get("key"); fits([]byte(text), c.secret, key) || len(key) != 32 || get("id") == "" || get("sum") == "" {
		e.BlameError(err)
		if key == "" {
			e.Blame("there is no parameter key: set the secret word (секретное слово) in the cabinet")
		}
		return e, nil
	}
	key := get("key")
	over := func(text, secret string) func() bool {
		return func() bool { return fits([]byte(text), []byte(secret), key) }
	}
	secret := c.cfg.Secret
	guesses := []webhook.Guess{
		{Fault: "key is in capital digits, and PayKeeper writes small ones", Fits: func() bool { return fits([]byte(text), c.secret, strings.ToLower(key)) }},
		{Fault: "Config.Secret has white space around it: it fits without", Fits: over(text, strings.TrimSpace(secret))},
		{Fault: "spaces came where plus signs were signed: something between decoded the form and encoded it anew", Fits: over(strings.ReplaceAll(text, " ", "+"), secret)},
		{Fault: "Config.Secret holds the password of the cabinet; the secret word (секретное слово) is another", Fits: over(text, c.cfg.Password)},
	}
	for _, name := range []string{"clientid", "orderid"} {
		without := map[string]string{"clientid": get("orderid"), "orderid": get("clientid")}[name]
		guesses = append(guesses, webhook.Guess{Fault: "the parameter " + name + " is not signed: it was added or changed on the way", Fits: over(get("id")+get("sum")+without, secret)})
	}
	if !e.Guess(guesses...) {
		e.Blame("no usual mistake explains it: either Config.Secret is not the secret word in the cabinet (Настройки — Получение информации о платежах), or id, sum, clientid or orderid was changed on the way")
	}
	return e, nil
}
