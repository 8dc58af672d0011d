package paymaster

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Positions of the fields that are read and not signed, after those of signed.
const (
	fHash = len(signed{}) + iota
	fPreRequest
	fMethod
	fPayer
	fDescription
	fReference
	fSign
	fieldCount
)

// field is the position of a field by its name; -1: another.
func field(name string) int {
	rest, ours := strings.CutPrefix(name, "LMI_")
	if !ours {
		if name == echoField {
			return fSign
		}
		return -1
	}
	switch rest {
	case "MERCHANT_ID":
		return sMerchant
	case "PAYMENT_NO":
		return sNumber
	case "SYS_PAYMENT_ID":
		return sSystemID
	case "SYS_PAYMENT_DATE":
		return sDate
	case "PAYMENT_AMOUNT":
		return sAmount
	case "CURRENCY":
		return sCurrency
	case "PAID_AMOUNT":
		return sPaidAmount
	case "PAID_CURRENCY":
		return sPaidCurrency
	case "PAYMENT_SYSTEM":
		return sSystem
	case "SIM_MODE":
		return sSimMode
	case "HASH":
		return fHash
	case "PREREQUEST":
		return fPreRequest
	case "PAYMENT_METHOD":
		return fMethod
	case "PAYER_IDENTIFIER":
		return fPayer
	case "PAYMENT_DESC":
		return fDescription
	case "PAYMENT_REF":
		return fReference
	}
	return -1
}

// take puts a field's value where it belongs.
func (n *Notification) take(at int, value string) {
	if at < len(n.values) {
		n.values[at] = value
		n.present |= 1 << at
		return
	}
	switch at {
	case fHash:
		n.hash = value
	case fPreRequest:
		n.PreRequest = true
	case fMethod:
		n.Method = value
	case fPayer:
		n.PayerIdentifier = maskPAN(value)
	case fDescription:
		n.Description = value
	case fReference:
		n.PaymentRef = value
	case fSign:
		n.echo = value
	}
}

// scan reads an ordinary notification in one pass, without a list of its
// fields: false says that something in it is out of the ordinary, and that it
// is to be read the long way (webhook.ParseForm), which decides and has the
// words for it. What it does take, it takes as the long way does.
func (n *Notification) scan(raw string) bool {
	var decoded strings.Builder
	var room [256]byte
	var others [8]string
	count, seen := 0, uint32(0)
	for raw != "" {
		eq := strings.IndexByte(raw, '=')
		if eq < 0 {
			return false
		}
		name := raw[:eq]
		raw = raw[eq+1:]
		at := field(name)
		if at >= 0 {
			if seen&(1<<at) != 0 {
				return false
			}
			seen |= 1 << at
		} else {
			if count == len(others) || !plainName(name) {
				return false
			}
			for _, other := range others[:count] {
				if other == name {
					return false
				}
			}
			others[count] = name
			count++
		}
		value, kinds, end := raw, byte(0), 0
		for ; end < len(raw); end++ {
			kind := byteKind[raw[end]]
			if kind == kindEnd {
				break
			}
			kinds |= kind
		}
		if value = raw[:end]; end < len(raw) {
			end++
		}
		raw = raw[end:]
		if kinds&kindSemicolon != 0 && at >= 0 {
			return false
		}
		if kinds&kindEscape == 0 {
			if kinds&kindWide != 0 && !utf8.ValidString(value) {
				return false
			}
			if at >= 0 {
				n.take(at, value)
			}
			continue
		}
		text, ok := unescape(room[:0], value)
		if !ok || !utf8.Valid(text) || (at >= 0 && at < len(n.values) && bytes.IndexByte(text, ';') >= 0) {
			return false
		}
		if at < 0 || at == fDescription || at == fReference {
			continue // not needed where the payment is made of it
		}
		start := decoded.Len()
		if decoded.Cap() == 0 {
			decoded.Grow(128)
		}
		_, _ = decoded.Write(text)
		n.take(at, decoded.String()[start:])
	}
	return true
}

// What a byte of a form's value may need.
const (
	kindEscape    = 1 << iota // a part of an escape, or a plus
	kindWide                  // not ASCII
	kindSemicolon             // not to be in what is signed
	kindEnd                   // the end of the value
)

var byteKind = func() (t [256]byte) {
	for i := utf8.RuneSelf; i < len(t); i++ {
		t[i] = kindWide
	}
	t['%'], t['+'], t[';'], t['&'] = kindEscape, kindEscape, kindSemicolon, kindEnd
	return t
}()

// plainName says whether a name has nothing to decode.
func plainName(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' || s[i] == '+' || s[i] == '&' || s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// unescape appends the decoded value; false: an escape is malformed, or there
// is no room.
func unescape(dst []byte, s string) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(s) {
				return nil, false
			}
			high, low := hexDigit[s[i+1]], hexDigit[s[i+2]]
			if high|low >= 0x80 {
				return nil, false
			}
			c = high<<4 | low
			i += 2
		}
		if len(dst) == cap(dst) {
			return nil, false
		}
		dst = append(dst, c)
	}
	return dst, true
}

// hexDigit is the value of a hexadecimal digit; 0x80 for any other byte.
var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = 0x80
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(10+i), byte(10+i)
	}
	return t
}()
