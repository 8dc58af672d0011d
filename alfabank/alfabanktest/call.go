package alfabanktest

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

type (
	obj     = gateway.Object
	refusal = gateway.Refusal
)

func refuse(code int, t gateway.Text) *refusal { return gateway.Refuse(code, t) }

// shape is how a method says that it failed (specification, section 2.3).
type shape uint8

const (
	plain    shape = iota // {"errorCode":"5","errorMessage":"…"}
	paying                // {"error":"…","errorCode":5,"errorMessage":"…","is3DSVer2":false}
	old                   // {"ErrorCode":"6","ErrorMessage":"…"}, but authentication as plain
	creating              // {"error":true,"errorCode":"5","errorMessage":"…"}
	closing               // {"success":false,"errorCode":"5","errorMessage":"…"}
	listing               // {"errorCode":"5","errorMessage":"…","bindings":[]}
	linking               // {"status":"FAIL","error":{"code":"5","description":"…","message":"…"}}
	wallet                // {"success":false,"error":{"code":5,"message":"…"}}
)

// method is one of the bank's methods.
type method struct {
	run   func(*call) (obj, *refusal)
	shape shape
	token bool  // an open token may call it
	json  bool  // takes JSON beside the form
	only  bool  // takes JSON only
	right Right // that it needs; "": none
}

// methods by their path below /rest/.
var methods = map[string]method{
	"register.do":               {run: (*call).register, token: true},
	"registerPreAuth.do":        {run: (*call).registerPreAuth, token: true, right: TwoStage},
	"getOrderStatusExtended.do": {run: (*call).status, token: true},
	"deposit.do":                {run: (*call).deposit, right: TwoStage},
	"reverse.do":                {run: (*call).reverse, right: Reversals},
	"refund.do":                 {run: (*call).refund, right: Refunds},
	"processRawSumRefund.do":    {run: (*call).rawSum, right: RawRefunds},
	// The document has the second name in its example.
	"processRawPositionRefund.do":      {run: (*call).rawPosition, right: RawRefunds},
	"processRawPositionOrderRefund.do": {run: (*call).rawPosition, right: RawRefunds},
	"decline.do":                       {run: (*call).decline},
	"instantPayment.do":                {run: (*call).instant, shape: paying, token: true, right: CardData},
	"paymentorder.do":                  {run: (*call).paymentOrder, shape: paying, right: CardData},
	"3ds/continue.do":                  {run: (*call).continue3DS, shape: paying, token: true},
	"finish3dsPayment.do":              {run: (*call).finish3DS1, shape: paying},
	"finish3dsVer2Payment.do":          {run: (*call).finish3DS2, shape: paying},
	"verifyCard.do":                    {run: (*call).verifyCard, token: true, right: Verification},
	"paymentOrderBinding.do":           {run: (*call).payBinding, shape: paying, right: Bindings},
	"getBindings.do":                   {run: (*call).getBindings},
	"getBindingsByCardOrId.do":         {run: (*call).getBindingsByCard},
	"unBindCard.do":                    {run: (*call).unbindCard},
	"bindCard.do":                      {run: (*call).bindCard},
	"extendBinding.do":                 {run: (*call).extendBinding, right: ExtendedBindings},
	"createBindingNoPayment.do":        {run: (*call).createBinding, shape: creating, right: BindingsNoPayment},
	"getOrderStatus.do":                {run: (*call).oldStatus, shape: old},
	"getLastOrdersForMerchants.do":     {run: (*call).lastOrders},
	"addParams.do":                     {run: (*call).addParams},
	"verifyEnrollment.do":              {run: (*call).enrollment},
	"paymentotherway.do":               {run: (*call).otherWay, shape: paying},
	"sbp/c2b/qr/dynamic/get.do":        {run: (*call).qrGet, right: SBP},
	"sbp/c2b/qr/status.do":             {run: (*call).qrState, right: SBP},
	"sbp/c2b/qr/dynamic/reject.do":     {run: (*call).qrReject, right: SBP},
	"sbp/c2b/getBindings.do":           {run: (*call).sbpBindings, shape: listing, right: SBPBindings},
	"sbp/c2b/unBind.do":                {run: (*call).sbpUnbind, shape: paying, right: SBPBindings},
	"closeOfdReceipt.do":               {run: (*call).closeReceipt, shape: closing, right: FiscalService},
	"getReceiptStatus.do":              {run: (*call).receiptStatus, right: FiscalService},
	"templates/create.do":              {run: (*call).linkCreate, shape: linking, json: true, right: Templates},
	"templates/get.do":                 {run: (*call).linkGet, shape: linking, json: true, right: Templates},
	"templates/update.do":              {run: (*call).linkUpdate, shape: linking, json: true, right: Templates},
	"templates/getList.do":             {run: (*call).linkList, shape: linking, json: true, right: Templates},
	"templates/createTemplate.do":      {run: (*call).qrCreate, only: true, right: Templates},
	"templates/getTemplateDetails.do":  {run: (*call).qrDetails, only: true, right: Templates},
	"templates/updateTemplate.do":      {run: (*call).qrUpdate, only: true, right: Templates},
}

// wallets are the methods beside /rest/.
var wallets = map[string]method{
	"alfapay/payment.do":      {run: (*call).alfaPay, shape: wallet, only: true, right: AlfaPay},
	"alfapay/paymentOrder.do": {run: (*call).alfaPayOrder, shape: wallet, only: true, right: AlfaPay},
}

// call is one request, read and authenticated, under Server.mu.
type call struct {
	gateway.Fields

	s       *Server
	r       *http.Request
	op      string
	method  method
	m       *Merchant
	byToken bool
	all     gateway.Form
	lang    string
	now     time.Time
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.cfg.foreign {
		gateway.WriteBody(w, http.StatusForbidden, "text/html", []byte("<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center></body></html>\n"))
		return
	}
	path := r.URL.Path
	for _, base := range []string{"/payment/rest/", "/api/rest/"} {
		if op, ok := strings.CutPrefix(path, base); ok {
			s.serveMethod(w, r, op, methods)
			return
		}
	}
	for _, base := range []string{"/payment/", "/api/", "/"} {
		if op, ok := strings.CutPrefix(path, base); ok && strings.HasPrefix(op, "alfapay/") {
			s.serveMethod(w, r, op, wallets)
			return
		}
	}
	switch {
	case strings.HasPrefix(path, "/payment/merchants/"), strings.HasPrefix(path, "/payment/payment/merchants/"):
		s.servePage(w, r)
	case strings.HasPrefix(path, "/acs/"), path == "/3dsserver/gather":
		s.serveACS(w, r)
	case strings.HasPrefix(path, "/sc/"):
		s.serveLink(w, r)
	case strings.HasPrefix(path, receiptPath):
		s.serveReceipt(w, r)
	case strings.HasPrefix(path, "/mportal"):
		s.serveMportal(w, r)
	default:
		gateway.EmptyHTML(w, http.StatusNotFound)
	}
}

func (s *Server) serveMethod(w http.ResponseWriter, r *http.Request, op string, table map[string]method) {
	m, ok := table[op]
	switch {
	case op == "finish3ds.do":
		s.finishInBrowser(w, r)
		return
	case !ok:
		gateway.EmptyHTML(w, http.StatusNotFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		gateway.EmptyHTML(w, http.StatusMethodNotAllowed)
		return
	}
	c := &call{s: s, r: r, op: op, method: m, Fields: gateway.Fields{In: obj{}}, all: gateway.Form{}, lang: "ru"}
	no := c.read()
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now = s.base.Clock.Now()
	if no == nil {
		no = c.login()
	}
	var out obj
	if no == nil {
		out, no = m.run(c)
	}
	if no != nil {
		no.WriteReason(w)
		out = c.refused(no)
	}
	contentType := "application/json;charset=UTF-8"
	if s.cfg.unknowns.TextPlain {
		contentType = "text/plain;charset=UTF-8"
	}
	gateway.WriteBody(w, http.StatusOK, contentType, gateway.Encode(gateway.Rewrite(out, s.spell)))
}

// read merges query and body, or takes a JSON body.
func (c *call) read() *refusal {
	body, _ := io.ReadAll(c.r.Body)
	isJSON := strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/json") || (len(body) > 0 && body[0] == '{')
	if c.method.only && !isJSON {
		return refuse(1, tBadRequest).Because("this method takes JSON only")
	}
	if isJSON && (c.method.only || c.method.json) {
		in, err := gateway.DecodeObject(body)
		if err != nil {
			return refuse(1, tBadRequest).Because("the body is not one JSON object in UTF-8: " + err.Error())
		}
		c.In = in
		if c.In["userName"] == nil {
			c.In["userName"] = c.In["username"]
		}
		return nil
	}
	err := c.all.Read(c.r.URL.RawQuery)
	if err == nil && !isJSON && !c.s.cfg.unknowns.BodyIgnored {
		err = c.all.Read(string(body))
	}
	if err != nil {
		return refuse(5, tParam).Because(err.Error())
	}
	for name, values := range c.all {
		c.In[name] = values[0]
	}
	return nil
}

// jsonFields hold JSON as the text of a form field.
var jsonFields = []string{"jsonParams", "orderBundle", "additionalOfdParams", "depositItems", "refundItems", "ofdParams", "billingPayerData",
	"shippingPayerData", "preOrderPayerData", "orderPayerData", "clientBrowserInfo", "template", "qrTemplate"}

// decodeFields turns the JSON fields into objects. An empty one is absent.
func (c *call) decodeFields() *refusal {
	for _, name := range jsonFields {
		text, ok := c.In[name].(string)
		if !ok {
			continue
		}
		o := gateway.ObjectOf(text)
		switch {
		case text != "null" && o == nil:
			return refuse(5, tParam).Because(name + " is not a JSON object")
		case len(o) == 0:
			delete(c.In, name)
		default:
			c.In[name] = o
		}
	}
	return nil
}

// languages are those of the Russian installation.
var languages = []string{"ru", "en", "de", "fr", "es", "it", "zh", "ja", "ko", "ua", "kz"}

// login finds out who it is and what he may do.
func (c *call) login() *refusal {
	asked := c.Str("language")
	c.lang = asked
	user, password, token := c.Str("userName"), c.Str("password"), c.Str("token")
	switch {
	case user != "" && password != "":
		if token != "" && c.s.cfg.unknowns.RefusePairAndToken {
			return refuse(5, tAccess).Because("a token beside userName and password")
		}
		c.m = c.s.merchants[user]
		if c.m == nil || c.m.Password != password {
			c.m = nil
			return refuse(5, tAccess).Because("wrong userName or password")
		}
	case token != "":
		c.m, c.byToken = c.s.tokens[token], true
		switch {
		case c.m == nil:
			return refuse(5, tAccess).Because("unknown token")
		case !c.method.token:
			return refuse(5, tAccess).Because("an open token may not call " + c.op)
		}
	default:
		return refuse(5, tEmptyAuth)
	}
	if asked == "" {
		c.lang = c.m.Language
	}
	if no := c.mayCall(); no != nil {
		return no
	}
	if asked != "" && !slices.Contains(languages, asked) && c.method.shape != wallet {
		return refuse(5, tLanguage).Because("the language is not one of this installation's")
	}
	return c.decodeFields()
}

// mayCall holds the login against the installation and the rights.
func (c *call) mayCall() *refusal {
	recent := strings.HasPrefix(c.m.UserName, "r-")
	switch {
	case strings.HasSuffix(c.m.UserName, "-operator"):
		return refuse(5, tAccess).Because("an operator's login is for the cabinet, not for the API")
	case c.s.cfg.installation == Payment && !recent, c.s.cfg.installation == Pay && recent:
		return refuse(5, tAccess).Because("this login works on the other installation")
	case c.m.MustChangePassword:
		return refuse(5, tMustChange)
	case slices.Contains(c.m.NoRight, c.op):
		return refuse(5, tAccess).Because("the merchant has no right for " + c.op)
	case c.method.right != "" && !c.m.may(c.method.right):
		return refuse(5, tAccess).Because("not switched on: " + string(c.method.right))
	}
	for _, name := range []string{"merchantLogin", "merchantInn"} {
		if child := c.Str(name); child != "" && child != c.m.UserName && !slices.Contains(c.m.Children, child) {
			return refuse(5, tAccess).Because(name + " is not a child of this merchant")
		}
	}
	return nil
}

// need refuses when one of the fields is missing.
func (c *call) need(names ...string) *refusal {
	for _, name := range names {
		if c.In[name] == nil || c.In[name] == "" {
			return refuse(4, emptyText(name))
		}
	}
	return nil
}

// refused is the refusal in the shape of the method.
func (c *call) refused(no *refusal) obj {
	words := no.Text.In(c.lang)
	code := strconv.Itoa(no.Code)
	out := obj{}
	for k, v := range no.With {
		out[k] = v
	}
	sh := c.method.shape
	if sh == old && c.m == nil {
		sh = plain
	}
	switch sh {
	case paying:
		out["error"], out["errorCode"], out["errorMessage"], out["is3DSVer2"] = words, no.Code, words, false
	case old:
		out["ErrorCode"], out["ErrorMessage"] = code, words
	case creating:
		out["error"], out["errorCode"], out["errorMessage"] = true, code, words
	case closing:
		out["success"], out["errorCode"], out["errorMessage"] = false, code, words
	case listing:
		out["errorCode"], out["errorMessage"], out["bindings"] = code, words, []obj{}
	case linking:
		out["status"], out["error"] = "FAIL", obj{"code": code, "description": words, "message": words}
	case wallet:
		out["success"], out["error"] = false, obj{"code": no.Code, "message": words}
	default:
		out["errorCode"], out["errorMessage"] = code, words
	}
	return out
}

// done is the success of methods that move money.
func (c *call) done() obj { return obj{"errorCode": 0, "errorMessage": tOK.In(c.lang)} }

// ok is the success of the others.
func (c *call) ok(with obj) obj {
	if with == nil {
		with = obj{}
	}
	with["errorCode"], with["errorMessage"] = "0", tOK.In(c.lang)
	return with
}

// numeric are the texts of answers that are numbers to some.
var numeric = []string{"errorCode", "ErrorCode", "actionCode", "currency", "expiration", "eci", "rrn", "authRefNum", "authCode", "terminalId", "taxType",
	"shift_number", "fiscal_receipt_number", "fiscal_document_number"}

// spell writes a field of an answer the way that was chosen.
func (s *Server) spell(name string, v any) (any, bool) {
	if s.cfg.unknowns.SingleAsObject {
		if list, ok := v.([]obj); ok && len(list) == 1 && name != "attributes" && name != "merchantOrderParams" {
			v = list[0]
		}
	}
	how := s.cfg.scalars
	if how == ScalarsRandom {
		if s.base.IDs.IntN(2) == 0 {
			how = ScalarsNumber
		} else if text, ok := numberText(v); ok {
			return text, true
		}
	}
	switch {
	case how == ScalarsText && (name == "errorCode" || name == "actionCode"):
		if text, ok := numberText(v); ok {
			return text, true
		}
	case how == ScalarsNumber && slices.Contains(numeric, name):
		if text, ok := v.(string); ok && gateway.Digits(text) && (text == "0" || text[0] != '0') {
			return json.Number(text), true
		}
	}
	return v, true
}

func numberText(v any) (string, bool) {
	switch n := v.(type) {
	case int:
		return strconv.Itoa(n), true
	case int64:
		return strconv.FormatInt(n, 10), true
	case money.Amount:
		return strconv.FormatInt(int64(n), 10), true
	}
	return "", false
}

// sum is a sum in kopecks; false: it is none. An absent one is 0.
func (c *call) sum(name string) (money.Amount, bool) {
	text := gateway.OrZero(c.Str(name))
	if !gateway.Digits(text) || len(text) > 12 {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return money.Amount(n), err == nil
}

// shop is for whom the call acts: the merchant, or the child it names.
func (c *call) shop() string {
	for _, name := range []string{"merchantLogin", "merchantInn"} {
		if child := c.Str(name); child != "" {
			return child
		}
	}
	return c.m.UserName
}

// order finds the merchant's order by its id.
func (c *call) order(id string) (*order, *refusal) {
	o := c.s.orders[id]
	if o == nil || o.merchant != c.m {
		return nil, refuse(6, tUnknown)
	}
	c.s.desk.Touch(&o.Order)
	return o, nil
}

// orderByRef finds it by id, which wins, or by number.
func (c *call) orderByRef(idName string) (*order, *refusal) {
	if id := c.Str(idName); id != "" {
		return c.order(id)
	}
	number := c.Str("orderNumber")
	if number == "" {
		number = c.Str("merchantOrderNumber")
	}
	if number == "" || c.byToken {
		return nil, refuse(5, emptyText(idName)).Because("neither " + idName + " nor orderNumber, or a token without the id")
	}
	o := c.s.numbers[numberKey{c.shop(), number}]
	if o == nil {
		return nil, refuse(6, tUnknown)
	}
	c.s.desk.Touch(&o.Order)
	return o, nil
}

// wrongState is the refusal of what the order's state does not allow.
func (c *call) wrongState() *refusal {
	return refuse(c.choose(c.s.cfg.unknowns.WrongStateCode, 7), tState)
}

func (c *call) choose(set, own int) int {
	if set != 0 {
		return set
	}
	return own
}

func (c *call) currency() string { return c.s.currency() }

func (s *Server) currency() string {
	if s.cfg.unknowns.Currency != "" {
		return s.cfg.unknowns.Currency
	}
	return "810"
}
