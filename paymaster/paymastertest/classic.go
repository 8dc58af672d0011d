package paymastertest

import (
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// reasonHeader says why a form was refused, where the page shows a code only.
const reasonHeader = "X-Emulator-Reason"

// pair is a parameter, in the order in which it came.
type pair struct{ name, value string }

type pairs []pair

// get finds a parameter without regard to case.
func (p pairs) get(name string) string {
	for _, e := range p {
		if strings.EqualFold(e.name, name) {
			return e.value
		}
	}
	return ""
}

func parsePairs(raw string) (pairs, error) {
	var out pairs
	for raw != "" {
		var e string
		e, raw, _ = strings.Cut(raw, "&")
		if e == "" {
			continue
		}
		name, value, _ := strings.Cut(e, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, pair{name, value})
	}
	return out, nil
}

// readPairs reads the parameters of the query and of the form, or of the
// multipart form, in order.
func readPairs(r *http.Request) (pairs, error) {
	out, err := parsePairs(r.URL.RawQuery)
	if err != nil || r.Method != http.MethodPost {
		return out, err
	}
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "multipart/form-data":
		m := multipart.NewReader(r.Body, params["boundary"])
		for {
			part, err := m.NextPart()
			if err == io.EOF {
				return out, nil
			}
			if err != nil {
				return nil, err
			}
			value, err := io.ReadAll(part)
			if err != nil {
				return nil, err
			}
			out = append(out, pair{part.FormName(), string(value)})
		}
	case "application/x-www-form-urlencoded":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		more, err := parsePairs(string(body))
		return append(out, more...), err
	}
	return out, nil
}

// form is what a classic payment was asked for with.
type form struct {
	simulation string // LMI_SIM_MODE; "": none
	currency   string // as it came
	shopID     string
	phone      string
	email      string

	confirmation, success, failure string
	own                            pairs // the merchant's own fields
}

// formFault is a refusal of a payment form.
type formFault struct {
	code   int
	reason string
}

var (
	rubles   = regexp.MustCompile(`^\d{1,15}(\.\d{1,2})?$`)
	cartName = regexp.MustCompile(`(?i)^LMI_SHOPPINGCART\.ITEMS?\[(\d{1,4})\]\.(.+)$`)
	restCart = regexp.MustCompile(`(?i)^shoppingcart\.items?\[(\d{1,4})\]\.(.+)$`)
	quantity = regexp.MustCompile(`^\d{1,9}(\.\d{1,3})?$`)
	taxName  = regexp.MustCompile(`(?i)^(no_vat|vat\d{1,3})$`)
)

// classicMethods are the aliases of a site's methods.
var classicMethods = strings.Fields("BankCard WebMoney Test Sbp SBP")

// readForm checks a payment form and makes the payment of it.
func (s *Server) readForm(in pairs) (*payment, *formFault) {
	bad := func(code int, format string, args ...any) (*payment, *formFault) {
		return nil, &formFault{code, fmt.Sprintf(format, args...)}
	}
	seen := map[string]bool{}
	for _, e := range in {
		name := strings.ToUpper(e.name)
		if strings.HasPrefix(name, "LMI_") && seen[name] {
			return bad(-1, "%s is repeated", e.name)
		}
		seen[name] = true
	}
	if !strings.EqualFold(in.get("LMI_MERCHANT_ID"), s.opt.account.MerchantID) {
		return bad(-6, "LMI_MERCHANT_ID: no such site")
	}
	f := &form{currency: in.get("LMI_CURRENCY"), shopID: in.get("LMI_SHOP_ID"), phone: in.get("LMI_PAYER_PHONE_NUMBER"), email: in.get("LMI_PAYER_EMAIL")}
	p := &payment{classic: true, number: in.get("LMI_PAYMENT_NO"), form: f, test: !s.opt.working, currency: f.currency, dual: s.opt.holds}
	if f.currency == "643" {
		p.currency = "RUB"
	}
	if !slices.Contains(s.opt.account.Currencies, p.currency) {
		return bad(-1, "LMI_CURRENCY %q: not a currency of the site", f.currency)
	}
	if !rubles.MatchString(in.get("LMI_PAYMENT_AMOUNT")) {
		return bad(-18, "LMI_PAYMENT_AMOUNT %q: not a sum", in.get("LMI_PAYMENT_AMOUNT"))
	}
	if p.amount, _ = money.Parse(in.get("LMI_PAYMENT_AMOUNT")); p.amount <= 0 {
		return bad(-18, "LMI_PAYMENT_AMOUNT is not above zero")
	}
	p.description = in.get("LMI_PAYMENT_DESC")
	if coded := in.get("LMI_PAYMENT_DESC_BASE64"); coded != "" {
		text, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\r", "", "\n", "").Replace(coded))
		if err != nil || !utf8.Valid(text) {
			return bad(-1, "LMI_PAYMENT_DESC_BASE64 is not base64 of UTF-8")
		}
		p.description = string(text)
	}
	if n := utf8.RuneCountInString(p.description); n == 0 || n > 255 || !utf8.ValidString(p.description) {
		return bad(-1, "LMI_PAYMENT_DESC must have 1 to 255 characters")
	}
	if f.phone != "" && !digitsOnly.MatchString(f.phone) {
		return bad(-1, "LMI_PAYER_PHONE_NUMBER must be digits")
	}
	if f.email != "" && !mail.MatchString(f.email) {
		return bad(-1, "LMI_PAYER_EMAIL is not an address")
	}
	if v := in.get("LMI_EXPIRES"); v != "" {
		t, err := time.Parse("2006-01-02T15:04:05", v)
		if err != nil {
			return bad(-1, "LMI_EXPIRES %q: not YYYY-MM-DDThh:mm:ss", v)
		}
		if !t.After(s.base.Clock.Now()) {
			return bad(-9, "LMI_EXPIRES has passed")
		}
		p.expires = t
	} else if life := s.opt.unknown.LinkLife; life > 0 {
		p.expires = s.base.Clock.Now().Add(life)
	}
	if v := in.get("LMI_SIM_MODE"); v != "" {
		if !slices.Contains([]string{"0", "1", "2"}, v) {
			return bad(-1, "LMI_SIM_MODE %q: not 0, 1 or 2", v)
		}
		f.simulation = v
	}
	if v := in.get("LMI_PAYMENT_METHOD"); v != "" && !slices.Contains(classicMethods, v) {
		return bad(-1, "LMI_PAYMENT_METHOD %q: no such method of the site", v)
	}
	if strings.EqualFold(in.get("LMI_PAYMENT_TYPE"), "HOLD") {
		p.dual = true
	}
	var fault *formFault
	if p.receipt, fault = readCart(in, cartName, p.amount); fault != nil {
		return nil, fault
	}
	if p.receipt != nil {
		p.receipt.Email, p.receipt.Phone = f.email, f.phone
	}
	p.callback, f.confirmation, f.success, f.failure = s.base.CallbackURL(), s.opt.confirmationURL, s.opt.successURL, s.opt.failureURL
	if !s.opt.noSubstitution {
		for name, to := range map[string]*string{"LMI_PAYMENT_NOTIFICATION_URL": &p.callback, "LMI_INVOICE_CONFIRMATION_URL": &f.confirmation,
			"LMI_SUCCESS_URL": &f.success, "LMI_FAILURE_URL": &f.failure} {
			if v := in.get(name); v != "" {
				if u, err := url.Parse(v); err != nil || u.Host == "" {
					return bad(-1, "%s is not an address", name)
				}
				*to = v
			}
		}
	}
	for _, e := range in {
		name := strings.ToUpper(e.name)
		if !strings.HasPrefix(name, "LMI_") && name != "AUTHHASH" && name != "JSON" {
			f.own = append(f.own, e)
		}
	}
	if !s.mayUse(p.number) {
		return bad(-14, "LMI_PAYMENT_NO %q was used", p.number)
	}
	return p, nil
}

// mayUse says whether a payment may be started under the number.
func (s *Server) mayUse(number string) bool {
	if number == "" {
		return true
	}
	for _, p := range s.list {
		if p.classic && p.number == number &&
			(p.status == complete || p.status == processing && p.try == nil || p.status == failed && !s.opt.repeatDeclined) {
			return false
		}
	}
	return true
}

// readCart reads the lines of a receipt, which must add up to the amount.
func readCart(in pairs, names *regexp.Regexp, amount money.Amount) (*Receipt, *formFault) {
	lines := map[int]map[string]string{}
	for _, e := range in {
		m := names.FindStringSubmatch(e.name)
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[1])
		if lines[n] == nil {
			lines[n] = map[string]string{}
		}
		lines[n][strings.ToUpper(m[2])] = e.value
	}
	if len(lines) == 0 {
		return nil, nil
	}
	r := &Receipt{Type: "Payment", Amount: amount}
	var total money.Amount
	for n := range len(lines) {
		l := lines[n]
		bad := func(what string) (*Receipt, *formFault) {
			return nil, &formFault{-1, fmt.Sprintf("cart line %d: %s", n, what)}
		}
		switch {
		case l == nil:
			return bad("missing: the lines are numbered from 0")
		case n >= 100:
			return bad("more than 100 lines")
		case l["NAME"] == "" || utf8.RuneCountInString(l["NAME"]) > 128:
			return bad("NAME must have 1 to 128 characters")
		case !quantity.MatchString(l["QTY"]):
			return bad("QTY is not a number with at most three decimals")
		case !rubles.MatchString(l["PRICE"]):
			return bad("PRICE is not a sum")
		case !taxName.MatchString(l["TAX"]):
			return bad("TAX is not known")
		case !index(l["METHOD"], 1, 7):
			return bad("METHOD is not 1 to 7")
		case !index(l["SUBJECT"], 1, 19):
			return bad("SUBJECT is not 1 to 19")
		case !index(l["AGENT.TYPE"], 0, 6):
			return bad("AGENT.TYPE is not 0 to 6")
		}
		price, _ := emulator.Rational(jsonNumber(l["PRICE"]))
		count, _ := emulator.Rational(jsonNumber(l["QTY"]))
		if count.Sign() == 0 {
			return bad("QTY is zero")
		}
		sum := emulator.HalfUp(price.Mul(price, count).Mul(price, hundred))
		if !sum.IsInt64() {
			return bad("the sum is too large")
		}
		line := ReceiptLine{Name: l["NAME"], Quantity: decimal(count), Price: l["PRICE"], Sum: money.Amount(sum.Int64()), VAT: l["TAX"],
			Method: l["METHOD"], Subject: l["SUBJECT"], Agent: l["AGENT.TYPE"]}
		total += line.Sum
		r.Lines = append(r.Lines, line)
	}
	if total != amount {
		return nil, &formFault{-18, fmt.Sprintf("the cart makes %s, the amount is %s", total, amount)}
	}
	return r, nil
}

// index says whether an optional field is a whole number in the bounds.
func index(v string, low, high int) bool {
	n, err := strconv.Atoi(v)
	return v == "" || err == nil && n >= low && n <= high
}

// start makes the payment of a form.
func (s *Server) start(in pairs) (*payment, *formFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, fault := s.readForm(in)
	if fault != nil {
		return nil, fault
	}
	s.opened(p)
	return p, nil
}

// serveInit takes the form from the customer's browser.
func (s *Server) serveInit(w http.ResponseWriter, r *http.Request) {
	in, err := readPairs(r)
	if err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	p, fault := s.start(in)
	if fault != nil {
		refusedForm(w, fault)
		return
	}
	moved(w, s.URL+"/Payment/process/"+p.page)
}

// moved answers a redirect with the page that ASP.NET writes.
func moved(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusFound)
	_, _ = io.WriteString(w, "<html><head><title>Object moved</title></head><body>\r\n<h2>Object moved to <a href=\""+html.EscapeString(to)+"\">here</a>.</h2>\r\n</body></html>\r\n")
}

// refusedForm shows the customer an error; the status is 200.
func refusedForm(w http.ResponseWriter, fault *formFault) {
	w.Header().Set(reasonHeader, fmt.Sprintf("%d %s", fault.code, fault.reason))
	text := classicTexts[fault.code]
	emulator.Page{Provider: "PayMaster", Shop: "Эмулятор", Step: emulator.StepDone, Message: fmt.Sprintf("Ошибка %d. %s", fault.code, text)}.Write(w, http.StatusOK)
}

// startHash is authhash of a built-in start.
func (s *Server) startHash(in pairs) string {
	amount := in.get("LMI_PAYMENT_AMOUNT")
	if a, err := money.Parse(amount); err == nil {
		amount = a.String()
	}
	return digest(s.opt.account.Hash, strings.Join([]string{in.get("LMI_MERCHANT_ID"), amount, in.get("LMI_CURRENCY"), s.opt.account.SecretKey}, ";"))
}

// stepHash is authhash of the later steps.
func (s *Server) stepHash(paymentURL string) string {
	return digest(s.opt.account.Hash, strings.ToLower(paymentURL)+";"+s.opt.account.SecretKey)
}

// serveBuiltin starts a payment for the shop's server.
func (s *Server) serveBuiltin(w http.ResponseWriter, r *http.Request) {
	in, err := readPairs(r)
	if err != nil || r.Method != http.MethodPost {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	asJSON := in.get("json") == "1"
	p, fault := (*payment)(nil), &formFault{-7, "authhash is wrong"}
	if same(in.get("authhash"), s.startHash(in)) {
		p, fault = s.start(in)
	}
	switch {
	case fault != nil && asJSON:
		w.Header().Set(reasonHeader, fault.reason)
		writeJSON(w, answer{"ErrorCode": fault.code, "Message": classicTexts[fault.code]})
	case fault != nil:
		refusedForm(w, fault)
	case asJSON:
		writeJSON(w, answer{"PaymentUrl": s.URL + "/payment/process/" + p.page})
	default:
		moved(w, s.URL+"/payment/process/"+p.page)
	}
}
