package paymaster

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// Positions of the fields that are read and not signed, after those of signed.
const (
	fHash = len(signed{}) + iota
	fMethod
	fPayer
	fSign
	fPreRequest
	fDescription
	fReference
	fieldCount
)

// usual has the order of the fields in the notifications that were captured:
// after each its usual follower, with the equals sign. A name that is where it
// is expected need not be looked for, which is most of the reading.
var usual = func() (t [fieldCount + 1]struct {
	field int
	name  []byte
}) {
	at := 0
	for name := range strings.FieldsSeq("MERCHANT_ID PAYMENT_SYSTEM CURRENCY PAYMENT_AMOUNT PAYMENT_NO PAYMENT_DESC SYS_PAYMENT_DATE" +
		" SYS_PAYMENT_ID PAID_AMOUNT PAID_CURRENCY PAYER_IDENTIFIER PAYMENT_METHOD HASH MERCHANT_ID") {
		name = "LMI_" + name
		t[at].field, t[at].name = field([]byte(name)), []byte(name+"=")
		at = t[at].field + 1
	}
	return t
}()

// field is the position of a field by its name; -1: another.
func field(name []byte) int {
	if len(name) < 4 || string(name[:4]) != "LMI_" {
		if string(name) == echoField {
			return fSign
		}
		return -1
	}
	switch string(name[4:]) {
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

// classicNotice is what is read of a notification, or of a pre-request, of the
// classic protocol. Its values are parts of the body where nothing in them was
// to be decoded.
type classicNotice struct {
	values    [fieldCount][]byte
	present   uint32 // which of the fields are there
	canonical []byte // what LMI_HASH covers, but for the secret key

	amount, paidAmount money.Amount
	date               int64 // seconds of Unix
}

func (n *classicNotice) has(f int) bool { return n.present&(1<<f) != 0 }

// preRequest: a field of this name alone makes it one.
func (n *classicNotice) preRequest() bool { return n.has(fPreRequest) }

// readFields reads the fields of a notification and checks its form, not its
// signature.
//
// The signed values are joined without escaping, so one with a semicolon would
// fit several splits: a buyer can have a notification of a small payment of his
// own made, and cut it anew into one of any sum.
func readFields(fields webhook.Params) (n classicNotice, err error) {
	for _, p := range fields {
		if f := field([]byte(p.Name)); f >= 0 {
			if f < len(signedNames) && strings.IndexByte(p.Value, ';') >= 0 {
				return n, forged("the field " + p.Name + " has a semicolon")
			}
			n.values[f] = []byte(p.Value)
			n.present |= 1 << f
		}
	}
	n.canonical = canonical(nil, &n.values)
	return n, n.check()
}

// readLong reads a body that is not an ordinary one.
func readLong(raw []byte) (classicNotice, error) {
	fields, err := webhook.ParseForm(nil, string(raw))
	if err != nil {
		return classicNotice{}, err
	}
	return readFields(fields)
}

// canonical appends what LMI_HASH covers, but for the secret key: the values as
// they came, with a semicolon after each. An absent field is an empty text.
func canonical(dst []byte, values *[fieldCount][]byte) []byte {
	for f := range signedNames {
		dst = append(append(dst, values[f]...), ';')
	}
	return dst
}

// readClassic reads the body of a notification in one pass, without a list of its
// fields, and checks its form, not its signature. What is decoded and joined lies
// in dst, as far as it fits there. Where anything is out of the ordinary, the
// long way decides and has the words for it.
func readClassic(dst, body []byte) (n classicNotice, err error) {
	var others [8][]byte
	count := 0
	var name []byte
	raw, f := body, -1
	for len(raw) > 0 {
		if next := &usual[f+1]; len(next.name) > 0 && bytes.HasPrefix(raw, next.name) {
			f, raw = next.field, raw[len(next.name):]
		} else {
			eq := bytes.IndexByte(raw, '=')
			if eq < 0 {
				return readLong(body)
			}
			name, raw = raw[:eq], raw[eq+1:]
			f = field(name)
		}
		if f >= 0 {
			if n.has(f) {
				return readLong(body)
			}
			n.present |= 1 << f
		} else {
			if count == len(others) || !plainName(name) {
				return readLong(body)
			}
			for _, other := range others[:count] {
				if string(other) == string(name) {
					return readLong(body)
				}
			}
			others[count] = name
			count++
		}
		end := plain(raw)
		value := raw[:end]
		if end < len(raw) && raw[end] != '&' {
			start, ok := len(dst), false
			if dst, end, ok = decode(dst, raw, end); !ok {
				return readLong(body)
			}
			value = dst[start:]
			if f >= 0 && bytes.IndexByte(value, ';') >= 0 {
				return readLong(body)
			}
		}
		if f >= 0 {
			n.values[f] = value
		}
		raw = raw[min(end+1, len(raw)):]
	}
	n.canonical = canonical(dst[len(dst):], &n.values)
	err = n.check()
	return n, err
}

// plain is how far a value goes without a byte that is to be looked at: an
// escape, a plus, an ampersand, a semicolon, or none of ASCII. It looks at eight
// bytes at once, which takes some others of the same bits (an apostrophe, a
// dollar) for such a byte.
func plain(s []byte) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	at := 0
	for ; at+8 <= len(s); at += 8 {
		x := binary.LittleEndian.Uint64(s[at:])
		a := x&^(each*0x03) ^ each*('&'&^0x03) // % and &
		b := x&^(each*0x10) ^ each*('+'&^0x10) // + and ;
		// The lowest bit of these is the first byte of a or of b that is zero.
		if found := ((a-each)&^a | (b-each)&^b | x) & high; found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for ; at < len(s); at++ {
		if c := s[at]; c&^0x03 == '&'&^0x03 || c&^0x10 == '+'&^0x10 || c >= utf8.RuneSelf {
			break
		}
	}
	return at
}

// decode appends a value whose first from bytes are plain, decoded, up to the
// ampersand or the end, which it gives; false: an escape is malformed, or the
// value is not UTF-8, before or after.
func decode(dst, s []byte, from int) ([]byte, int, bool) {
	end := bytes.IndexByte(s, '&')
	if end < 0 {
		end = len(s)
	}
	s = s[:end]
	start := len(dst)
	dst = append(dst, s...)
	to := dst[start:]
	j := from
	for i := from; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			if i+2 >= len(s) {
				return dst, end, false
			}
			high, low := hexDigit[s[i+1]], hexDigit[s[i+2]]
			if high|low >= 0x80 {
				return dst, end, false
			}
			c = high<<4 | low
			i += 2
		} else if c == '+' {
			c = ' '
		}
		to[j] = c
		j++
	}
	return dst[:start+j], end, utf8.Valid(s) && utf8.Valid(to[:j])
}

// plainName says whether a name has nothing to decode.
func plainName(s []byte) bool { return plain(s) == len(s) }

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
