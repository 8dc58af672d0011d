package main

import (
	"encoding/csv"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/demo"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
)

func TestFormsWithoutTheirTokenAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	client := w.client("Мария Воронова")
	shop := w.shop("sberbank")
	i := w.invoice(client, shop, "100")
	for _, path := range []string{"/clients", "/invoices", "/words", "/entities", "/logout", fmt.Sprintf("/shops/%d", shop.ID), fmt.Sprintf("/invoices/%d/cancel", i.ID),
		fmt.Sprintf("/clients/%d/charge", client), "/p/" + i.Short + "/pay"} {
		for _, token := range []string{"", "wrong"} {
			code, _, _ := w.staff.do(http.MethodPost, path, url.Values{"csrf": {token}, "name": {"x"}})
			require.Equal(t, http.StatusForbidden, code, path)
		}
	}
	// A visitor's own token is good for his browser only.
	other := newVisitor(t, w.url)
	token := csrfInput.FindStringSubmatch(other.get("/p/" + i.Short))[1]
	code, _, _ := newVisitor(t, w.url).do(http.MethodPost, "/p/"+i.Short+"/pay", url.Values{"csrf": {token}})
	require.Equal(t, http.StatusForbidden, code)
	// A browser says where a form comes from.
	req, err := http.NewRequest(http.MethodPost, w.url+"/p/"+i.Short+"/pay", strings.NewReader("csrf="+token))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := other.http.Do(req)
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
	require.Equal(t, "pending", w.read(i.ID).Status.String())
}

func TestStaffPagesNeedALogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	stranger := newVisitor(t, w.url)
	for _, path := range []string{"/", "/clients", "/clients/1", "/invoices", "/invoices/1", "/shops", "/shops/1", "/journal", "/export/postings.csv", "/export/invoices.csv", "/attempts/1/refund", "/receipts/1", "/oauth/tochka?code=1&state=2"} {
		code, body, header := stranger.do(http.MethodGet, path, nil)
		require.Equal(t, http.StatusSeeOther, code, path)
		require.True(t, strings.HasPrefix(header.Get("Location"), "/login"), path)
		require.NotContains(t, body, "Баланс")
	}
	code, _, _ := stranger.do(http.MethodPost, "/clients", url.Values{"name": {"x"}})
	require.Equal(t, http.StatusForbidden, code)
	_, _, header := stranger.do(http.MethodGet, "/login", nil)
	require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "DENY", header.Get("X-Frame-Options"))
	require.Equal(t, "no-referrer", header.Get("Referrer-Policy"))
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	for _, to := range []string{"//evil.example", "https://evil.example", `/\evil.example`} {
		v := newVisitor(t, w.url)
		require.Equal(t, "/", v.must("/login", "/login", url.Values{"login": {demo.Login}, "password": {demo.Password}, "to": {to}}))
	}
	// After the logout the cookie is worth nothing.
	v := newVisitor(t, w.url)
	v.login()
	v.must("/", "/logout", nil)
	code, _, _ = v.do(http.MethodGet, "/clients", nil)
	require.Equal(t, http.StatusSeeOther, code)
}

// TestFormsMayEndAtTheBank: a browser applies form-action of the page to the
// redirect that follows its form.
func TestFormsMayEndAtTheBank(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	client := w.client("Мария Воронова")
	i := w.invoice(client, w.shop("sberbank"), "100")
	policy := func(path string) string {
		code, _, header := w.staff.do(http.MethodGet, path, nil)
		require.Equal(t, http.StatusOK, code)
		return header.Get("Content-Security-Policy")
	}
	for _, path := range []string{"/p/" + i.Short, fmt.Sprintf("/shops/%d", w.shop("tochka").ID)} {
		require.Contains(t, policy(path), "form-action 'self' https: "+w.bank.URL, path)
	}
	require.True(t, strings.HasSuffix(policy(fmt.Sprintf("/clients/%d", client)), "form-action 'self'"))
}

func TestLoginIsLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	v := newVisitor(t, w.url)
	try := func(password string) int {
		code, _, _ := v.send("/login", "/login", url.Values{"login": {demo.Login}, "password": {password}})
		return code
	}
	for range 5 {
		require.Equal(t, http.StatusUnprocessableEntity, try("guess"))
	}
	require.Equal(t, http.StatusTooManyRequests, try("guess"))
	require.Equal(t, http.StatusTooManyRequests, try(demo.Password), "the right one must wait too")
	later := time.Now().Add(16 * time.Minute)
	w.store.Now = func() time.Time { return later }
	require.Equal(t, http.StatusSeeOther, try(demo.Password))
}

// TestLoginIsLimitedAtOnce: tries that are sent together are counted together.
func TestLoginIsLimitedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	v := newVisitor(t, w.url)
	form := url.Values{"login": {demo.Login}, "password": {"guess"}, "csrf": {csrfInput.FindStringSubmatch(v.get("/login"))[1]}}
	var work sync.WaitGroup
	var tried atomic.Int32
	for range 30 {
		work.Go(func() {
			resp, err := v.http.PostForm(w.url+"/login", form)
			if !assert.NoError(t, err) {
				return
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusTooManyRequests {
				assert.Equal(t, http.StatusUnprocessableEntity, resp.StatusCode)
				tried.Add(1)
			}
		})
	}
	work.Wait()
	require.LessOrEqual(t, tried.Load(), int32(5))
}

// TestLoginBehindAProxy: strangers who fail do not lock the staff out, though
// all of them come through the proxy on this machine.
func TestLoginBehindAProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	v := newVisitor(t, w.url)
	csrf := csrfInput.FindStringSubmatch(v.get("/login"))[1]
	try := func(login, password, forwarded string) int {
		r, err := http.NewRequest(http.MethodPost, w.url+"/login", strings.NewReader(url.Values{"login": {login}, "password": {password}, "csrf": {csrf}}.Encode()))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", forwarded)
		resp, err := v.http.Do(r)
		require.NoError(t, err)
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	// What stands before the last address was written by the stranger.
	require.Equal(t, http.StatusUnprocessableEntity, try("nobody", "guess", "192.0.2.1, 203.0.113.9"))
	for i := range 19 {
		_, err := w.store.AddLoginFailure(t.Context(), w.store.DB, fmt.Sprint("nobody", i), "203.0.113.9")
		require.NoError(t, err)
	}
	require.Equal(t, http.StatusTooManyRequests, try("nobody", "guess", "192.0.2.99, 203.0.113.9"))
	require.Equal(t, http.StatusSeeOther, try(demo.Login, demo.Password, "198.51.100.7"))
	all, err := w.store.Journal(t.Context(), w.store.DB, "", 0, 0, 5)
	require.NoError(t, err)
	require.Equal(t, "Вход с адреса 198.51.100.7", all[0].Text)
}

func TestMarkupInANameIsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	name := `<script>alert(1)</script> "Ольга" & <b>Ко`
	client := w.client(name)
	shop := w.shop("sberbank")
	i := w.invoice(client, shop, "100")
	w.pay(i, shop)
	w.until(i.ID, "paid")
	link := regexp.MustCompile(`id="client-link" readonly value="([^"]+)"`).FindStringSubmatch(w.staff.get(fmt.Sprintf("/clients/%d", client)))
	require.NotNil(t, link)
	for _, path := range []string{"/", "/clients", fmt.Sprintf("/clients/%d", client), "/invoices", fmt.Sprintf("/invoices/%d", i.ID), "/journal", strings.TrimPrefix(link[1], w.url), "/clients?q=" + url.QueryEscape(name)} {
		page := w.staff.get(path)
		require.NotContains(t, page, "<script>alert", path)
		require.NotContains(t, page, "<b>Ко", path)
	}
	require.Contains(t, w.staff.get("/clients"), "&lt;script&gt;alert(1)")
}

func TestCSV(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	client := w.client(`=HYPERLINK("http://evil.example";"Нажми")`)
	shop := w.shop("sberbank")
	i := w.invoice(client, shop, "1234,50")
	w.pay(i, shop)
	w.until(i.ID, "paid")
	w.giveBack(w.attempt(i.ID).ID, "234,50")
	w.until(i.ID, "partially_refunded")
	code, body, header := w.staff.do(http.MethodGet, "/export/postings.csv", nil)
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, header.Get("Content-Disposition"), "attachment")
	require.True(t, strings.HasPrefix(body, "\ufeff"), "a spreadsheet needs the mark of UTF-8")
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff")))
	r.Comma = ';'
	rows, err := r.ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, "Клиент", rows[0][1])
	require.Equal(t, `'=HYPERLINK("http://evil.example";"Нажми")`, rows[1][1])
	require.Equal(t, []string{"-234,50", "1234,50"}, []string{rows[1][3], rows[2][3]})
	require.Equal(t, "Онлайн-касса", rows[2][4])
	_, body, _ = w.staff.do(http.MethodGet, "/export/invoices.csv", nil)
	require.Contains(t, body, "возвращён частично")
}

func TestClientsPageIsSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	client := w.client("Тимур Ахметов")
	linkOf := func() string {
		found := regexp.MustCompile(`id="client-link" readonly value="([^"]+)"`).FindStringSubmatch(w.staff.get(fmt.Sprintf("/clients/%d", client)))
		require.NotNil(t, found)
		return strings.TrimPrefix(found[1], w.url)
	}
	link := linkOf()
	guest := newVisitor(t, w.url)
	require.Contains(t, plain(guest.get(link)), "Ваш баланс")
	for _, wrong := range []string{"/c/" + strings.Repeat("a", 32), "/c/1", "/c/" + strings.TrimPrefix(link, "/c/")[:31], "/p/aaaaaaaaaa", "/r/aaaaaaaaaa"} {
		code, _, _ := guest.do(http.MethodGet, wrong, nil)
		require.Equal(t, http.StatusNotFound, code, wrong)
	}
	// The client pays by himself.
	shop := w.shop("sberbank")
	to := guest.must(link, link+"/topup", url.Values{"amount": {"2 500"}, "shop": {fmt.Sprint(shop.ID)}})
	require.True(t, strings.HasPrefix(to, "/p/"))
	i, err := w.store.InvoiceByShort(t.Context(), w.store.DB, strings.TrimPrefix(to, "/p/"))
	require.NoError(t, err)
	w.pay(i, shop)
	w.until(i.ID, "paid")
	require.Contains(t, guest.get(link), `data-kopecks="250000"`)
	code, body, _ := guest.send(link, link+"/topup", url.Values{"amount": {"много"}, "shop": {"1"}})
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, plain(body), "Сумма от 10")
	// A link in wrong hands is replaced.
	w.staff.must(fmt.Sprintf("/clients/%d", client), fmt.Sprintf("/clients/%d/link", client), nil)
	code, _, _ = guest.do(http.MethodGet, link, nil)
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, plain(guest.get(linkOf())), "Ваш баланс")
}

// TestNoSecretAnywhere: after a day's work no provider's key is in a page, in
// the log, in the journal or in the files of the database.
func TestNoSecretAnywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 50*time.Millisecond)
	secrets := map[string]string{}
	for _, p := range shops.Providers() {
		_, s := w.demo.Credentials(p.Key, "jwt")
		for key, value := range s {
			secrets[p.Key+" "+key] = value
		}
	}
	_, s := w.demo.Credentials("tochka", "oauth")
	secrets["tochka client_secret"] = s["client_secret"]
	for _, service := range shops.RegisterServices() {
		_, s := w.demo.RegisterCredentials(service.Key)
		for key, value := range s {
			lines := strings.Split(strings.TrimSpace(value), "\n") // of a PEM, a line in the middle
			secrets[service.Key+" "+key] = lines[len(lines)/2]
		}
	}
	secrets["password"] = demo.Password
	require.Greater(t, len(secrets), 14)
	client := w.client("Мария Воронова")
	var pages []string
	all, err := w.store.Shops(t.Context(), w.store.DB)
	require.NoError(t, err)
	for _, shop := range all {
		pages = append(pages, fmt.Sprintf("/shops/%d", shop.ID), "/shops/new?provider="+shop.Provider)
		if !shop.Active {
			continue
		}
		i := w.invoice(client, shop, "300")
		w.pay(i, shop)
		require.Eventually(t, func() bool { return w.read(i.ID).Status.String() != "pending" }, 20*time.Second, 20*time.Millisecond, shop.Name)
		pages = append(pages, fmt.Sprintf("/invoices/%d", i.ID), "/p/"+i.Short, "/r/"+i.Short)
	}
	// A key that is wrong, a key that is new, a form that is refused.
	form := w.settingsForm("alfabank", "", "none")
	form.Set("password", "Wrong-Password-And-Long")
	form.Set("order_prefix", "русский")
	secrets["typed"] = "Wrong-Password-And-Long"
	_, refused, _ := w.staff.send("/shops/new?provider=alfabank", "/shops", url.Values(form))
	pages = append(pages, "/", "/clients", "/invoices", "/shops", "/journal", fmt.Sprintf("/clients/%d", client), "/export/postings.csv")
	texts := map[string]string{"the form that was refused": refused}
	for _, path := range pages {
		texts[path] = w.staff.get(path)
	}
	w.stop()
	texts["the log"] = w.log.String()
	require.NotEmpty(t, texts["the log"])
	files, err := filepath.Glob(w.db + "*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		texts[f] = string(data)
	}
	for where, text := range texts {
		for what, value := range secrets {
			if where != "/" && strings.HasPrefix(where, "/login") {
				continue
			}
			require.NotContains(t, text, value, "%s is in %s", what, where)
		}
	}
}

func TestSettingsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	problem := func(page, field string) string {
		block := regexp.MustCompile(`(?s)data-field="` + field + `".*?data-test="problem">([^<]+)<`).FindStringSubmatch(page)
		require.NotNil(t, block, "%s: %s", field, plain(page))
		return block[1]
	}
	send := func(change func(settingsForm)) (int, string) {
		form := w.settingsForm("sberbank", "", "none")
		change(form)
		code, body, _ := w.staff.send("/shops/new?provider=sberbank", "/shops", url.Values(form))
		return code, body
	}
	count := func() int {
		all, err := w.store.Shops(t.Context(), w.store.DB)
		require.NoError(t, err)
		return len(all)
	}
	before := count()
	code, page := send(func(f settingsForm) { f.Del("login"); f.Set("notify_email", "нет") })
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Equal(t, "Не заполнено", problem(page, "login"))
	require.Equal(t, "Похоже, в адресе опечатка", problem(page, "notify_email"))
	require.Equal(t, before, count(), "nothing is stored")
	// The password that was typed is not lost: it comes back sealed.
	draft := regexp.MustCompile(`name="draft" value="([^"]+)"`).FindStringSubmatch(page)
	require.NotNil(t, draft)
	form := w.settingsForm("sberbank", "", "none")
	form.Del("password")
	form.Del("callback_key")
	form.Set("draft", html.UnescapeString(draft[1]))
	w.newShop(form)

	code, page = send(func(f settingsForm) { f.Set("base_url", "куда-то") })
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, problem(page, "base_url"), "полный адрес")
	code, page = send(func(f settingsForm) { f.Set("sbp_only", "yes"); f.Set("stages", "two") })
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, problem(page, "stages"), "не удерживаются")

	code, page = send(func(f settingsForm) { f.Set("entity", "99") })
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Equal(t, "Выберите из списка", problem(page, "entity"))
	// A number after a number would be another invoice's.
	code, page = send(func(f settingsForm) { f.Set("order_prefix", "A-1") })
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, plain(page), "за ними идёт номер счёта")

	// A password that the bank refuses is told beside it, after the saving.
	code, page = send(func(f settingsForm) { f.Set("password", "not-the-password"); f.Set("name", "С ошибкой") })
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, problem(page, "password"), "не принял логин, пароль или ключ")
	require.Contains(t, plain(w.staff.get("/shops")), "ошибка")
	// An address where nobody listens.
	code, page = send(func(f settingsForm) { f.Set("base_url", "http://127.0.0.1:1") })
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, plain(page), "Нет связи с провайдером")
}

// TestKeysDoNotFollowAnAddress: who may change a shop's settings cannot have its
// keys sent to an address of his own.
func TestKeysDoNotFollowAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "", http.StatusNotFound)
	}))
	t.Cleanup(elsewhere.Close)
	for provider, key := range map[string]string{"sberbank": "password", "paymaster": "token", "paykeeper": "password"} {
		shop := w.newShop(w.settingsForm(provider, "", "komtet").with(w.demo.RegisterCredentials("komtet")))
		page := fmt.Sprintf("/shops/%d", shop.ID)
		form := w.settingsForm(provider, "", "komtet").with(w.demo.RegisterCredentials("komtet"))
		_, secrets := w.demo.Credentials(provider, "")
		for name := range secrets {
			form.Del(name)
		}
		form.Del("komtet_secret")
		code, _, _ := w.staff.send(page, page, url.Values(form))
		require.Equal(t, http.StatusSeeOther, code, "the keys are kept")
		for field, secret := range map[string]string{"base_url": key, "komtet_url": "komtet_secret"} {
			changed := url.Values(maps.Clone(form))
			changed.Set(field, elsewhere.URL)
			code, body, _ := w.staff.send(page, page, changed)
			require.Equal(t, http.StatusUnprocessableEntity, code)
			block := regexp.MustCompile(`(?s)data-field="` + secret + `".*?data-test="problem">([^<]*)<`).FindStringSubmatch(body)
			require.NotNil(t, block, secret)
			require.Contains(t, block[1], "Адрес изменён")
		}
	}
	require.Zero(t, asked.Load())
	// Tokens of a consent are keys too.
	w.connectTochka()
	shop := w.shopNamed("Проверка tochka")
	form := w.settingsForm("tochka", "oauth", "none")
	form.Set("base_url", elsewhere.URL)
	form.Set("oauth_url", elsewhere.URL)
	form.Set("customer", shop.Settings.Fields["customer"])
	form.Set("point", shop.Settings.Fields["point"])
	page := fmt.Sprintf("/shops/%d", shop.ID)
	_, _, _ = w.staff.send(page, page, url.Values(form))
	_, err := w.store.Kept(t.Context(), w.store.DB, shop.ID, "tochka-tokens", "shop")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func (w *world) shopNamed(name string) store.Shop {
	w.t.Helper()
	all, err := w.store.Shops(w.t.Context(), w.store.DB)
	require.NoError(w.t, err)
	for _, x := range all {
		if x.Name == name {
			return x
		}
	}
	require.Fail(w.t, "no shop "+name)
	return store.Shop{}
}

func TestTochkaByConsent(t *testing.T) {
	t.Parallel()
	newWorld(t, time.Hour).connectTochka()
}

// connectTochka goes from the consent to a payment.
func (w *world) connectTochka() {
	t := w.t
	t.Helper()
	form := w.settingsForm("tochka", "oauth", "none")
	to := w.staff.must("/shops/new?provider=tochka", "/shops", url.Values(form))
	bank := w.staff.must(to, to+"/connect", nil)
	require.True(t, strings.HasPrefix(bank, w.bank.URL+"/tochka/connect/authorize"), bank)
	approve := func(link string) (string, error) {
		return w.bank.Tochka.Approve(strings.Replace(link, "/tochka/", "/", 1))
	}
	back, err := approve(bank)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(back, w.url+"/oauth/tochka"), back)
	// Somebody else's answer is not taken.
	code, _, header := w.staff.do(http.MethodGet, "/oauth/tochka?code=stolen&state=guessed", nil)
	require.Equal(t, http.StatusSeeOther, code)
	require.Equal(t, to, header.Get("Location"))
	require.NotContains(t, w.staff.get(to), `id="connected"`)

	bank = w.staff.must(to, to+"/connect", nil)
	back, err = approve(bank)
	require.NoError(t, err)
	code, _, header = w.staff.do(http.MethodGet, back, nil)
	require.Equal(t, http.StatusSeeOther, code)
	require.Equal(t, to, header.Get("Location"))
	page := w.staff.get(to)
	require.Contains(t, page, `id="connected"`)
	require.Contains(t, plain(page), "чеки печатает")
	point := regexp.MustCompile(`name="point" value="([^"]+)" (checked)?\s*>`).FindStringSubmatch(page)
	require.NotNil(t, point, page)
	w.staff.must(to, to+"/point", url.Values{"point": {point[1]}})
	w.staff.must(to, to+"/discover", nil)
	require.Contains(t, plain(w.staff.get(to)), "Данные из банка обновлены")
	w.staff.must(to, to+"/subscribe", nil)
	var id int64
	_, err = fmt.Sscanf(to, "/shops/%d", &id)
	require.NoError(t, err)
	shop, err := w.store.Shop(t.Context(), w.store.DB, id)
	require.NoError(t, err)
	client := w.client("Мария Воронова")
	i := w.invoice(client, shop, "750")
	w.pay(i, shop)
	w.until(i.ID, "paid")
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "crm.key")
	first, err := secret.Load("", file)
	require.NoError(t, err)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	again, err := secret.Load("", file)
	require.NoError(t, err)
	sealed := first.Seal("shop 1", []byte("the key"))
	plain, err := again.Open("shop 1", sealed)
	require.NoError(t, err)
	require.Equal(t, "the key", string(plain))
	_, err = again.Open("shop 2", sealed)
	require.Error(t, err, "a sealed value is good for its own row")
	require.Equal(t, first.Token("client", "a"), again.Token("client", "a"))
	require.NotEqual(t, first.Token("client", "a"), first.Token("clien", "ta"))
	other, err := secret.Load("", filepath.Join(t.TempDir(), "crm.key"))
	require.NoError(t, err)
	_, err = other.Open("shop 1", sealed)
	require.Error(t, err)
	_, err = secret.Load("not base64!", file)
	require.Error(t, err)
}
