package orangedata

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// Limits of the service, beside those of the format that Receipt.Validate
// checks.
const (
	maxSum      = 9_999_999_999                        // kopecks, of a price, a line, a payment and the total
	maxQuantity = fiscal.Quantity(281_474_976_710_655) // millionths: 48 bits
	maxLines    = 250                                  // what the 32,768 bytes of a fiscal document hold
	// maxAgentInfo is what the particulars of an agent (1223) take, in bytes: a
	// byte for each character and four for each tag.
	maxAgentInfo = 243
)

// sealed is a receipt as it is sent.
type sealed struct {
	kind    Kind
	id      string
	body    []byte
	content *Content           // to compare with what is there already
	totals  *CorrectionContent // in its place, FFD 1.05
}

// mapper turns one receipt into the service's form and collects what is wrong
// with it.
type mapper struct {
	c      *Client
	r      *fiscal.Receipt
	on     time.Time // when it will be printed
	faults fiscal.Faults
	// What of codes 1 and 3 was seen: the first line at 20 % and at 22 %.
	at20, at22 int
}

// path is where in the receipt a value stands. It is written only when there is
// a fault to tell.
type path struct {
	line  int // -1: the receipt itself
	field string
}

func of(field string) path { return path{-1, field} }

func (p path) in(field string) path { return path{p.line, p.field + "." + field} }

func (p path) String() string {
	if p.line < 0 {
		return p.field
	}
	return "items[" + strconv.Itoa(p.line) + "]." + p.field
}

func (m *mapper) fault(path, message, russian string) {
	m.faults = append(m.faults, fiscal.Fault{Path: path, Message: message, Russian: russian})
}

// forbid is the fault of a field that the document cannot carry.
func (m *mapper) forbid(set bool, path, why, russian string) {
	if set {
		m.fault(path, "cannot be expressed: "+why, russian)
	}
}

// faultsError is all that is wrong with a receipt as one error: the first fault
// is its field, the others follow.
func faultsError(faults fiscal.Faults) error {
	e := acquiring.Invalid(faults[0].Path, faults[0].Message)
	e.Err = &faultList{faults}
	return e
}

// faultList holds all faults for errors.As. Its text is that of the others than
// the first, which the error itself tells.
type faultList struct{ faults fiscal.Faults }

func (l *faultList) Error() string {
	if len(l.faults) == 1 {
		return l.faults[0].Message
	}
	return l.faults[1:].Error()
}

func (l *faultList) Unwrap() error { return l.faults }

// Convert writes the receipt as the service takes it, without sending it: kind
// and JSON body of the request. The error names every fault at once:
// acquiring.ErrInvalid with fiscal.Faults in it.
func (c *Client) Convert(r fiscal.Receipt) (Kind, []byte, error) {
	s, err := c.seal(r)
	if err != nil {
		return "", nil, acquiring.InOp(Provider, "Convert", err)
	}
	return s.kind, s.body, nil
}

func (c *Client) seal(r fiscal.Receipt) (*sealed, error) {
	now := c.now()
	if r.FFD == "" {
		r.FFD = c.conf.FFD
	}
	if r.TaxSystem == 0 {
		r.TaxSystem = c.conf.TaxSystem
	}
	m := &mapper{c: c, r: &r, on: now.In(c.zone), at20: -1, at22: -1}
	if err := r.ValidateAt(now); err != nil {
		var faults fiscal.Faults
		if !errors.As(err, &faults) || len(faults) == 0 {
			e := acquiring.Invalid("Receipt", "is not a receipt")
			e.Err = err
			return nil, e
		}
		m.faults = append(m.faults, faults...)
	}
	if err := checkID(r.ID); err != nil {
		var e *acquiring.Error
		errors.As(err, &e)
		m.fault("id", e.Message, "неверный номер документа")
	}
	group, ok := c.conf.GroupByFFD[r.FFD]
	if !ok {
		m.fault("ffd", fmt.Sprintf("%q: no group of the Config has registers of this version (Config.FFD, Config.GroupByFFD)", r.FFD), "нет группы касс с таким ФФД")
	}
	s := &sealed{kind: KindDocument, id: r.ID}
	switch {
	case r.Correction == nil:
		s.content = m.document()
	case r.FFD == fiscal.FFD105:
		s.kind = KindCorrection
		s.totals = m.correction105()
	default:
		s.kind = KindCorrection12
		s.content = m.document()
		m.correction12(s.content)
	}
	callback, err := c.CallbackAddress(s.kind, r.ID)
	if err != nil {
		var e *acquiring.Error
		errors.As(err, &e)
		m.fault("id", e.Message, "номер слишком длинный для адреса уведомления")
	}
	head := Envelope[struct{}]{ID: r.ID, Group: group, CallbackURL: callback, CallbackAPIKey: c.conf.CallbackAPIKey}
	if callback == "" {
		head.CallbackAPIKey = ""
	}
	if c.conf.IgnoreItemCodeCheck && s.totals == nil {
		head.IgnoreItemCodeCheck = &c.conf.IgnoreItemCodeCheck
	}
	extra := m.envelopeExtra(&head)
	if s.totals != nil {
		s.totals.Extra = extraMembers(m, of(""), extra, new(CorrectionContent))
		if len(m.faults) == 0 {
			s.body, err = seal(c, Envelope[CorrectionContent]{ID: head.ID, Group: head.Group, Key: head.Key, Content: *s.totals,
				CallbackURL: head.CallbackURL, CallbackAPIKey: head.CallbackAPIKey, Meta: head.Meta})
		}
	} else {
		s.content.Extra = extraMembers(m, of(""), extra, new(Content))
		if len(m.faults) == 0 {
			s.body, err = seal(c, Envelope[Content]{ID: head.ID, Group: head.Group, Key: head.Key, Content: *s.content,
				CallbackURL: head.CallbackURL, CallbackAPIKey: head.CallbackAPIKey, Meta: head.Meta, IgnoreItemCodeCheck: head.IgnoreItemCodeCheck})
		}
	}
	if len(m.faults) > 0 {
		return nil, faultsError(m.faults)
	}
	return s, err
}

// envelopeExtra moves the members of the outer part from Receipt.Extra to it
// and gives the rest.
func (m *mapper) envelopeExtra(head *Envelope[struct{}]) map[string]string {
	rest := make(map[string]string, len(m.r.Extra))
	for name, value := range m.r.Extra {
		limit := 0
		switch name {
		case "meta":
			head.Meta, limit = value, 128
		case "group":
			head.Group, limit = value, 32
		case "key":
			head.Key, limit = value, 32
		case "callbackUrl":
			head.CallbackURL, limit = value, 1024
		case "callbackApiKey":
			head.CallbackAPIKey, limit = value, 3072
		case "ignoreItemCodeCheck":
			on := value == "true"
			head.IgnoreItemCodeCheck = &on
			m.forbid(value != "true" && value != "false", "extra.ignoreItemCodeCheck", "it is true or false", "нужно true или false")
			m.forbid(m.r.Correction != nil && m.r.FFD == fiscal.FFD105, "extra.ignoreItemCodeCheck", "a correction of FFD 1.05 has no lines", "в чеке коррекции ФФД 1.05 нет позиций")
		case "id", "inn", "content":
			m.fault("extra."+name, "is what the client itself sets", "это поле заполняет библиотека")
		default:
			rest[name] = value
		}
		if n := utf8.RuneCountInString(value); limit > 0 && (n == 0 || n > limit) {
			m.fault("extra."+name, fmt.Sprintf("has %d characters, 1 to %d fit", n, limit), "неверная длина")
		}
	}
	return rest
}

// extraMembers are the values as JSON: as they are where they are JSON of the
// type that the member has, else as text.
func extraMembers(m *mapper, at path, extra map[string]string, target any) map[string]json.RawMessage {
	if len(extra) == 0 {
		return nil
	}
	out := make(map[string]json.RawMessage, len(extra))
	for name, value := range extra {
		quoted, _ := json.Marshal(value)
		name, found := strings.TrimSpace(name), false
		key, _ := json.Marshal(name)
		for _, raw := range []json.RawMessage{json.RawMessage(strings.TrimSpace(value)), quoted} {
			if json.Valid(raw) && json.Unmarshal([]byte(`{`+string(key)+`:`+string(raw)+`}`), target) == nil {
				out[name], found = raw, true
				break
			}
		}
		if !found || name == "" {
			m.fault(path{at.line, "extra." + name}.String(), "is not of the type that the member has", "значение не того типа")
		}
	}
	return out
}

// CallbackAddress is what Submit sends as callbackUrl: Config.CallbackURL with
// the document's name and its digest in the query, which VerifyCallback demands.
// It is for documents that are made with the typed calls. "" without a
// Config.CallbackURL; the address holds at most 1024 bytes.
func (c *Client) CallbackAddress(kind Kind, id string) (string, error) {
	if c.conf.CallbackURL == "" {
		return "", nil
	}
	u, err := url.Parse(c.conf.CallbackURL)
	if err != nil {
		return "", acquiring.Invalid("Config.CallbackURL", "cannot be read")
	}
	name := string(kind) + "/" + id
	query := callbackDocument + "=" + url.QueryEscape(name) + "&" + callbackKey + "=" + c.callbackDigest(name)
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	s := u.String()
	if len(s) > 1024 {
		return "", acquiring.Invalid("id", "makes the callback address longer than 1024 bytes")
	}
	return s, nil
}

// text is a text as it can be printed, by the policy of the Config.
func (m *mapper) text(at path, s string, limit int) string {
	if s == "" {
		return ""
	}
	if m.c.conf.Text != TextAsIs {
		s = m.printable(at, s)
	}
	if n := utf8.RuneCountInString(s); n > limit && !m.has(at.String()) {
		m.fault(at.String(), fmt.Sprintf("has %d characters, at most %d fit", n, limit), fmt.Sprintf("%d символов, помещается не больше %d", n, limit))
	}
	return s
}

func (m *mapper) printable(at path, s string) string {
	lost := fiscal.Lost(s)
	if len(lost) == 0 && !strings.ContainsRune(s, '\u00a0') {
		return s
	}
	var bad []rune
	var b strings.Builder
	for _, r := range s {
		switch {
		case r != '\u00a0' && !strings.ContainsRune(string(lost), r):
			b.WriteRune(r)
			continue
		case m.c.conf.Text == TextStrict && r != '\u00a0':
			bad = append(bad, r)
			continue
		case unicode.IsSpace(r):
			b.WriteByte(' ')
			continue
		}
		plain := fiscal.Printable(string(r), 0)
		if plain == "" && unicode.IsGraphic(r) && !unicode.Is(unicode.M, r) {
			bad = append(bad, r)
		}
		b.WriteString(plain)
	}
	if len(bad) > 0 {
		m.fault(at.String(), fmt.Sprintf("has characters that the service would drop without a word: %q (Config.Text)", string(bad)),
			fmt.Sprintf("касса не напечатает символы %q", string(bad)))
	}
	return b.String()
}

// sum checks an amount against what the service takes.
func (m *mapper) sum(at path, a money.Amount) Rubles {
	if a > maxSum {
		m.fault(at.String(), "is more than 99999999.99", "больше 99999999.99")
	}
	return Rubles(a)
}

// contact is the buyer's address (1008): his e-mail, else his phone. "none" is
// for a buyer who is present (the receipt says that it is not of the internet)
// and for a correction that names none.
func (m *mapper) contact() string {
	switch k := m.r.Contact; {
	case k.Email != "":
		return k.Email
	case k.Phone != "":
		return k.Phone
	case m.r.Internet != nil && !*m.r.Internet, m.r.Internet == nil && m.r.Correction != nil && m.r.FFD != fiscal.FFD105:
		return "none"
	case m.r.Internet == nil && m.r.Correction != nil:
		return "" // wanted of internet shops only
	}
	if !m.has("contact") {
		m.fault("contact", "is empty: the service wants an e-mail or a phone; a buyer who is present (Internet is false) may have none", "нужен адрес почты или телефон покупателя")
	}
	return ""
}

// has says whether the path has a fault already.
func (m *mapper) has(path string) bool {
	for i := range m.faults {
		if m.faults[i].Path == path || strings.HasPrefix(m.faults[i].Path, path+".") {
			return true
		}
	}
	return false
}

// taxSystem is the ordinal of the tax system. The service prints "general" when
// it is told nothing, so it is told always.
func (m *mapper) taxSystem() int {
	n, ok := m.r.TaxSystem.Ordinal()
	if !ok && !m.has("taxSystem") {
		m.fault("taxSystem", "is not set: the service would print the general one; set it here or in Config.TaxSystem", "не указана система налогообложения")
	}
	return n
}

// vat is the code of a line's rate. A document has one meaning of code 1.
func (m *mapper) vat(at path, v fiscal.VAT) (code int, use20 bool) {
	code, use20, ok := VATCode(v, m.on)
	if !ok {
		if v != "" && (v.Valid() || strings.HasPrefix(string(v), "raw:")) {
			m.fault(at.String(), fmt.Sprintf("%s cannot be expressed in a document of %s", v, m.on.Format("02.01.2006")), "эту ставку НДС сервис не принимает")
		}
		return 0, false
	}
	switch {
	case v == fiscal.VAT20 || v == fiscal.VAT20of120:
		if m.at20 < 0 {
			m.at20 = at.line
		}
	case code == 1 || code == 3:
		if m.at22 < 0 {
			m.at22 = at.line
		}
	}
	return code, use20
}

// oneBasicRate refuses a receipt with lines at 20 and at 22 %: useTax20 holds
// for the whole document.
func (m *mapper) oneBasicRate() {
	if m.at20 < 0 || m.at22 < 0 {
		return
	}
	later := max(m.at20, m.at22)
	m.fault(fmt.Sprintf("items[%d].vat", later), fmt.Sprintf("items[%d] has 20 %% and items[%d] has 22 %%: the service prints one of the two in a document, so split the receipt in two", m.at20, m.at22),
		"НДС 20% и 22% нельзя пробить одним чеком: разделите его на два")
}

// day is the calendar day of a correction: in the zone of the receipt, else at
// the time's own clock if it is a Russian one, else at the register's.
func (m *mapper) day(t time.Time) string {
	if z := m.r.TimeZone; z >= 1 && z <= 11 {
		t = t.In(time.FixedZone("", (z+1)*60*60))
	} else if _, offset := t.Zone(); offset < 2*60*60 || offset > 12*60*60 {
		t = t.In(m.c.zone)
	}
	return t.Format("2006-01-02") + "T00:00:00"
}

// local is a moment at the register's clock, without a zone.
func (m *mapper) local(t time.Time) string {
	zone := m.c.zone
	if z := m.r.TimeZone; z >= 1 && z <= 11 {
		zone = time.FixedZone("", (z+1)*60*60)
	}
	return t.In(zone).Format("2006-01-02T15:04:05")
}
