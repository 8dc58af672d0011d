package sberbanktest

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// legacyMethods are the methods of the legacy gateway by their path after
// /payment/rest/.
var legacyMethods = map[string]method{
	"register.do":                  {run: (*call).legacyRegister},
	"registerPreAuth.do":           {run: (*call).legacyRegisterPreAuth},
	"deposit.do":                   {run: (*call).deposit},
	"reverse.do":                   {run: (*call).reverse},
	"refund.do":                    {run: (*call).refund},
	"getOrderStatusExtended.do":    {run: (*call).status},
	"getOrderStatus.do":            {run: (*call).oldStatus, errorIn: "ErrorMessage"},
	"decline.do":                   {run: (*call).decline},
	"paymentorder.do":              {run: (*call).paymentOrder},
	"paymentOrderBinding.do":       {run: (*call).payBinding},
	"finish3ds.do":                 {run: (*call).finish3ds},
	"unBindCard.do":                {run: (*call).unbindCard},
	"bindCard.do":                  {run: (*call).bindCard},
	"extendBinding.do":             {run: (*call).extendBinding},
	"createBindingNoPayment.do":    {run: (*call).createBinding},
	"getBindings.do":               {run: (*call).getBindings},
	"getBindingsByCardOrId.do":     {run: (*call).getBindingsByCard},
	"getAllBindings.do":            {run: (*call).getAllBindings},
	"getLastOrdersForMerchants.do": {run: (*call).lastOrders},
	"getReceiptStatus.do":          {run: (*call).legacyReceipts},
	"verifyEnrollment.do":          {run: (*call).enrollment},
	"updateSSLCardList.do":         {run: (*call).sslCardList},
	"addParams.do":                 {run: (*call).addParams},
	"instantRefund.do":             {run: (*call).instantRefund},
	"processRawSumRefund.do":       {run: (*call).rawSumRefund},
	"processRawPositionRefund.do":  {run: (*call).rawPositionRefund},
	"sbp/c2b/qr/dynamic/get.do":    {run: (*call).legacyQR},
	"sbp/c2b/qr/status.do":         {run: (*call).legacyQRStatus},
	"sbp/c2b/qr/dynamic/status.do": {run: (*call).legacyQRStatus},
}

// jsonFields hold JSON as the text of a form field.
var jsonFields = []string{"jsonParams", "orderBundle", "additionalOfdParams", "depositItems", "refundItems"}

// serveLegacy is the legacy gateway: forms, by GET or POST.
func (s *Server) serveLegacy(w http.ResponseWriter, r *http.Request, path string) {
	m, ok := legacyMethods[path]
	switch {
	case !ok:
		gateway.EmptyHTML(w, http.StatusNotFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		gateway.EmptyHTML(w, http.StatusMethodNotAllowed)
		return
	}
	if path == "finish3ds.do" {
		s.legacyFinish(w, r)
		return
	}
	c := &call{s: s, r: r, op: opOf(r), legacy: true, Fields: gateway.Fields{In: obj{}}}
	no := c.readForm()
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.base.Clock.Now()
	if no == nil {
		no = c.checkLegacy()
	} else {
		c.lang = "ru"
	}
	var out obj
	if no == nil {
		out, no = m.run(c)
	}
	if no != nil && (path == "paymentorder.do" || path == "paymentOrderBinding.do") {
		no.With = obj{"error": no.Text.In(c.lang)}
	}
	s.write(w, c, m, out, no)
}

// readForm reads query and form. An empty value counts as absent; of a
// repeated parameter the first counts, as in a servlet.
func (c *call) readForm() *gateway.Refusal {
	form := gateway.Form{}
	err := form.Read(c.r.URL.RawQuery)
	if err == nil && (c.r.Method == http.MethodPost || c.s.cfg.unknowns.FormOnGET) {
		body, _ := io.ReadAll(c.r.Body)
		err = form.Read(string(body))
	}
	if err != nil {
		return gateway.Refuse(5, tParam).Because(err.Error())
	}
	for name, values := range form {
		c.In[name] = values[0]
	}
	return nil
}

// decodeFields turns the JSON fields into objects. Only methods that use them
// look at them.
func (c *call) decodeFields() *gateway.Refusal {
	for _, name := range jsonFields {
		text, ok := c.In[name].(string)
		if !ok {
			continue
		}
		if text == "null" {
			delete(c.In, name)
			continue
		}
		if name == "jsonParams" {
			c.rawParams = text
		}
		o := gateway.ObjectOf(text)
		if o == nil {
			if name == "jsonParams" {
				return gateway.Refuse(5, tParam).Because("jsonParams is not a JSON object")
			}
			return badCart(name + " is not a JSON object")
		}
		c.In[name] = o
	}
	return nil
}

// checkLegacy finds out who it is.
func (c *call) checkLegacy() *gateway.Refusal {
	registers := c.op == "register.do" || c.op == "registerPreAuth.do"
	user, password, token := c.Str("userName"), c.Str("password"), c.Str("token")
	c.lang = (*merchant)(nil).lang(c.asked())
	switch {
	case token != "" && registers:
		c.m = c.s.tokens[token]
		if c.m == nil || user != "" || password != "" {
			c.m = nil
			c.lang = "en"
			return gateway.Refuse(5, tAccess).Because("unknown token, or a token beside userName and password")
		}
		c.lang = c.m.lang(c.asked())
		if no := c.right(); no != nil {
			return no
		}
	case user == "" || password == "":
		return gateway.Refuse(5, tEmptyAuth)
	default:
		if no := c.login(user, password); no != nil {
			return no
		}
	}
	switch c.op {
	case "register.do", "registerPreAuth.do", "deposit.do", "refund.do", "paymentOrderBinding.do", "paymentorder.do":
		return c.decodeFields()
	}
	return nil
}

func (c *call) legacyRegister() (obj, *gateway.Refusal)        { return c.legacyOrder(false) }
func (c *call) legacyRegisterPreAuth() (obj, *gateway.Refusal) { return c.legacyOrder(true) }

// legacyOrder holds the request against the manual's table of codes, then
// registers as the new gateway does.
func (c *call) legacyOrder(preAuth bool) (obj, *gateway.Refusal) {
	number, amount := c.Str("orderNumber"), c.Str("amount")
	switch {
	case number == "":
		return nil, gateway.Refuse(4, tEmptyNumber)
	case utf8.RuneCountInString(number) > 32:
		return nil, gateway.Refuse(1, tWrongNumber).Because("orderNumber is longer than 32 characters")
	case amount == "":
		return nil, gateway.Refuse(4, tEmptyAmount)
	case !gateway.Digits(amount) || len(amount) > 12:
		return nil, gateway.Refuse(5, tAmount)
	case c.Str("returnUrl") == "":
		return nil, gateway.Refuse(4, tEmptyURL)
	case len(c.Str("returnUrl")) > 512:
		return nil, gateway.Refuse(5, tParam).Because("returnUrl is longer than 512 characters")
	case utf8.RuneCountInString(c.Str("description")) > 512:
		return nil, gateway.Refuse(5, tParam).Because("description is longer than 512 characters")
	case strings.ContainsAny(c.Str("description"), "%+\r\n"):
		return nil, gateway.Refuse(5, tParam).Because("description must not hold %, +, CR or LF")
	case utf8.RuneCountInString(c.rawParams) > 1024:
		return nil, gateway.Refuse(5, tParam).Because("jsonParams is longer than 1024 characters")
	case c.has("language") && (len(c.Str("language")) != 2 || !latinLetters(c.Str("language"))):
		return nil, gateway.Refuse(5, tParam).Because("wrong language")
	case c.has("dynamicCallbackUrl") && !secureAddress(c.Str("dynamicCallbackUrl")):
		return nil, gateway.Refuse(5, tParam).Because("dynamicCallbackUrl is no https address")
	}
	if !preAuth {
		delete(c.In, "autocompletionDate")
	}
	if v := c.Str("taxSystem"); v != "" && (len(v) != 1 || v > "5") {
		return nil, gateway.Refuse(5, tParam).Because("taxSystem is 0 to 5")
	}
	if v := c.Str("amount"); len(v) > 1 && strings.HasPrefix(v, "0") {
		n, _ := strconv.ParseInt(v, 10, 64)
		c.In["amount"] = strconv.FormatInt(n, 10)
	}
	return c.newOrder(preAuth)
}

// serveLegacyJSON is what lies beside the legacy base: payments in one call
// with a JSON body, the internet credit, the external receipt.
func (s *Server) serveLegacyJSON(w http.ResponseWriter, r *http.Request, path string) {
	var run func(*call) (obj, *gateway.Refusal)
	family := byte('B')
	switch path {
	case "/payment/recurrentPayment.do":
		run = (*call).recurrent
	case "/payment/applepay/payment.do", "/payment/google/payment.do", "/payment/samsung/payment.do", "/payment/samsungWeb/payment.do",
		"/payment/mir/payment.do", "/payment/mir/paymentDirect.do":
		run = (*call).legacyMobilePay
	case "/sbercredit/register.do", "/sbercredit/registerPreAuth.do":
		s.serveLegacy(w, r, strings.TrimPrefix(path, "/sbercredit/"))
		return
	case "/fes-nspk-proxy/externalReceipt":
		run, family = (*call).externalReceipt, 'A'
	default:
		gateway.EmptyHTML(w, http.StatusNotFound)
		return
	}
	if r.Method != http.MethodPost {
		gateway.EmptyHTML(w, http.StatusMethodNotAllowed)
		return
	}
	c := &call{s: s, r: r, op: opOf(r), legacy: true, family: family, lang: "ru"}
	var no *gateway.Refusal
	body, _ := io.ReadAll(r.Body)
	in, err := gateway.DecodeObject(body)
	if err != nil {
		in = obj{}
		no = gateway.Refuse(10, tParam).Because("the body is not a JSON object")
	}
	c.In = in
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.base.Clock.Now()
	var out obj
	if no == nil {
		no = c.checkJSON()
	}
	if no == nil {
		out, no = run(c)
	}
	s.write(w, c, method{}, out, no)
}

// checkJSON: mobile payments name the merchant instead of logging in.
func (c *call) checkJSON() *gateway.Refusal {
	if name := c.Str("merchant"); name != "" && c.Str("userName") == "" {
		for _, m := range c.s.merchants {
			if m.UserName == name || strings.TrimSuffix(m.UserName, "-api") == name {
				c.m, c.lang = m, m.lang(c.asked())
				return c.right()
			}
		}
		return gateway.Refuse(5, tAccess)
	}
	return c.login(c.Str("userName"), c.Str("password"))
}

func (c *call) legacyMobilePay() (obj, *gateway.Refusal) {
	switch {
	case c.Str("merchant") == "" && c.Str("userName") == "", c.Str("orderNumber") == "":
		return nil, gateway.Refuse(10, tParam)
	case c.Str("paymentToken") == "":
		return nil, gateway.Refuse(10, tToken)
	}
	if c.Str("amount") == "" {
		// Apple and Samsung carry the sum in the token.
		raw := gateway.Unpacked(c.Str("paymentToken"))
		if n := gateway.ScalarText(raw["amount"]); gateway.Digits(n) {
			c.In["amount"] = n
		} else {
			c.In["amount"] = "10000"
		}
	}
	return c.mobilePay()
}
