package fiscal

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// gs is the group separator of GS1 codes (0x1D), invisible and often lost.
const gs = "\x1d"

// ErrMark is the kind of error that ParseMark and Mark.Tag1162 give.
var ErrMark = errors.New("not a marking code")

// markError is what is wrong with a code, in both languages.
type markError struct{ message, russian string }

func (e *markError) Error() string { return "fiscal: " + e.message }
func (e *markError) Unwrap() error { return ErrMark }

func badMark(message, russian string) *markError { return &markError{message, russian} }

// ParseMark reads a marking code as a scanner, a form or a file gives it, and
// brings it to the form that Mark.Code has:
//   - a leading FNC1 goes, in any of its disguises: "]d2", "]C1", "]Q3", the
//     byte 0xE8, a group separator;
//   - group separators that were written out come back: "\u001d", "\x1d",
//     "{GS}", "␝", and "<GS>" where an application identifier follows;
//   - lost group separators are put back where only one place is possible (see
//     RestoreGS), and refused with ErrMark where they are lost for good;
//   - the ends of lines go.
//
// The kind is found out from the code. A code typed in a Cyrillic layout, which
// scanners that play a keyboard produce, is refused with ErrMark, as is one of
// more than 256 bytes.
func ParseMark(scanned string) (Mark, error) {
	// None of these characters belongs to the codes' own set.
	code := strings.NewReplacer(`\u001d`, gs, `\u001D`, gs, `\x1d`, gs, `\x1D`, gs, "{GS}", gs, "␝", gs).Replace(scanned)
	for _, ai := range []string{"91", "92", "93", "8005", "3103"} {
		code = strings.ReplaceAll(code, "<GS>"+ai, gs+ai)
	}
	for before := ""; before != code; {
		before = code
		code = strings.Trim(code, "\r\n\t \ufeff"+gs)
		for _, fnc1 := range []string{"]d2", "]C1", "]Q3", "\xe8", "\u00e8"} {
			code = strings.TrimPrefix(code, fnc1)
		}
	}
	if restored, ok := RestoreGS(code); ok {
		code = restored
	}
	m := Mark{Code: code}
	if err := m.check(); err != nil {
		return Mark{}, err
	}
	m.Kind = m.kindOf()
	return m, nil
}

// RestoreGS puts the group separators back into a code that lost them, where
// only one place is possible: the codes of the known groups of goods have tails
// of fixed length. ok is false when there is nothing to restore or no one place
// for it; the code then comes back as it was.
func RestoreGS(code string) (restored string, ok bool) {
	gtin, rest, ok := splitGS1(code)
	if !ok || strings.Contains(code, gs) {
		return code, false
	}
	var found []string
	cut := func(lengths ...int) { // serial, then each tail with its identifier
		total := 0
		for _, n := range lengths {
			total += n
		}
		if total != len(rest) {
			return
		}
		var b strings.Builder
		at := 0
		for i, n := range lengths {
			if i > 0 {
				b.WriteString(gs)
			}
			b.WriteString(rest[at : at+n])
			at += n
		}
		found = append(found, "01"+gtin+"21"+b.String())
	}
	has := func(at int, ai string) bool { return at > 0 && at < len(rest) && strings.HasPrefix(rest[at:], ai) }
	for serial := 1; serial <= 20; serial++ {
		for _, signature := range []int{44, 88} {
			if has(serial, "91") && has(serial+6, "92") {
				cut(serial, 6, 2+signature)
			}
		}
	}
	for _, serial := range []int{6, 7, 13} {
		if has(serial, "93") {
			cut(serial, 6)
			if has(serial+6, "3103") {
				cut(serial, 6, 10)
			}
		}
		if has(serial, "8005") && has(serial+10, "93") {
			cut(serial, 10, 6)
		}
	}
	// Thirteen characters may also be one serial number without a tail.
	if len(found) != 1 || len(rest) == 13 {
		return code, false
	}
	return found[0], true
}

// splitGS1 cuts a code of AI 01 (GTIN) and AI 21 (serial number).
func splitGS1(code string) (gtin, rest string, ok bool) {
	if len(code) < 19 || code[:2] != "01" || code[16:18] != "21" || !digits(code[2:16]) {
		return "", "", false
	}
	return code[2:16], code[18:], true
}

// check gives what is wrong with the code, nil if nothing.
func (m *Mark) check() *markError {
	code := m.Code
	if code == "" {
		return badMark("is empty", "пустой код маркировки")
	}
	if !utf8.ValidString(code) {
		return badMark("has bytes that are not text; a leading FNC1 (0xE8) does not belong to the code (see ParseMark)", "в коде маркировки посторонние байты")
	}
	if len(code) > 256 {
		return badMark(fmt.Sprintf("has %d characters, at most 256 fit", len(code)), "код маркировки длиннее 256 символов")
	}
	for i, r := range code {
		switch {
		case r >= 0x20 && r < 0x7f:
		case r == 0x1d && i > 0 && i < len(code)-1:
		case r == 0x1d:
			return badMark("begins or ends with a group separator (see ParseMark)", "лишний разделитель GS в начале или в конце кода")
		case r > 0x7f:
			return badMark("has characters that no code has; was it scanned in a Cyrillic keyboard layout?", "в коде есть буквы не из латиницы: проверьте раскладку клавиатуры при сканировании")
		default:
			return badMark("has control characters", "в коде маркировки управляющие символы")
		}
	}
	if strings.HasPrefix(code, "]d2") || strings.HasPrefix(code, "]C1") || strings.HasPrefix(code, "]Q3") {
		return badMark("begins with the scanner's sign of FNC1, which does not belong to the code (see ParseMark)", "в начале кода служебный префикс сканера")
	}
	kind := m.Kind
	if kind == 0 {
		kind = m.kindOf()
	}
	if kind == MarkGS1M || kind == MarkGS10 {
		// 01, GTIN, 21 and at most 20 characters of serial number.
		if _, rest, ok := splitGS1(code); ok && !strings.Contains(code, gs) && len(rest) > 20 {
			return badMark("has lost its group separators (0x1D); scan it again, or try RestoreGS", "в коде потеряны разделители GS: отсканируйте заново")
		}
		if m.Kind == MarkGS1M && !strings.HasPrefix(code, "01") {
			return badMark("is not a GS1 code: it does not begin with 01", "это не код GS1: он должен начинаться с 01")
		}
	}
	if ok, known := fitsKind(m.Kind, code); known && !ok {
		return badMark("does not have the form of "+m.Kind.String(), "не похож на код вида "+m.Kind.Name())
	}
	return nil
}

// fitsKind says whether a code has the form of a kind of fixed form.
func fitsKind(kind MarkKind, code string) (ok, known bool) {
	switch kind {
	case MarkEAN8:
		return len(code) == 8 && validGTIN(code), true
	case MarkEAN13:
		return len(code) == 13 && validGTIN(code), true
	case MarkITF14:
		return len(code) == 14 && validGTIN(code), true
	case MarkFur:
		return furCode(code), true
	case MarkEGAIS20:
		return len(code) == 23 || len(code) == 68, true
	case MarkEGAIS30:
		return len(code) == 14 || len(code) == 150, true
	case MarkShort:
		return len(code) >= 21 && len(code) <= 38 && digits(code[:14]), true
	case MarkF1, MarkF2, MarkF3, MarkF4, MarkF5, MarkF6:
		return len(code) <= 32, true
	}
	return false, false
}

// checked says whether a register sends the code to be checked (2000): the other
// kinds it only prints, under their own tags.
func (m *Mark) checked() bool {
	switch m.EffectiveKind() {
	case MarkGS1M, MarkShort, MarkUnknown:
		return true
	}
	return false
}

// EffectiveKind is the kind of the code: Kind, or what the code shows.
func (m Mark) EffectiveKind() MarkKind {
	if m.Kind != 0 {
		return m.Kind
	}
	return m.kindOf()
}

// kindOf finds the kind out from the code.
func (m *Mark) kindOf() MarkKind {
	code := m.Code
	switch n := len(code); {
	case n == 8 && validGTIN(code):
		return MarkEAN8
	case n == 13 && validGTIN(code):
		return MarkEAN13
	case n == 14 && validGTIN(code):
		return MarkITF14
	case furCode(code):
		return MarkFur
	case n == 68 && plainAlnum(code):
		return MarkEGAIS20
	case n == 150 && plainAlnum(code):
		return MarkEGAIS30
	}
	if _, rest, ok := splitGS1(code); ok {
		for _, ai := range []string{"91", "92", "93", "8005"} {
			if strings.Contains(rest, gs+ai) {
				return MarkGS1M
			}
		}
		if len(rest) > 20 {
			return MarkGS1M // its separators are lost
		}
		return MarkGS10
	}
	// A pack of tobacco: GTIN, seven characters of serial number, four of the
	// highest price, four of the check.
	if (len(code) == 29 || len(code) == 25 || len(code) == 21) && validGTIN(code[:14]) && !strings.Contains(code, gs) {
		return MarkShort
	}
	return MarkUnknown
}

// validGTIN says whether digits of a barcode end with the right check digit.
func validGTIN(code string) bool {
	if !digits(code) {
		return false
	}
	sum := 0
	for i := range len(code) - 1 {
		n := int(code[i] - '0')
		if (len(code)-1-i)%2 == 1 {
			n *= 3
		}
		sum += n
	}
	return (10-sum%10)%10 == int(code[len(code)-1]-'0')
}

// furCode is the form RU-430301-AAA0012345 of fur goods.
func furCode(code string) bool {
	return len(code) == 20 && code[2] == '-' && code[9] == '-' &&
		plainAlnum(code[:2]) && digits(code[3:9]) && plainAlnum(code[10:])
}

func plainAlnum(s string) bool {
	return s != "" && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// GTIN is the product's number in the code, 14 digits; "" where it has none.
func (m Mark) GTIN() string {
	kind := m.EffectiveKind()
	if ok, known := fitsKind(kind, m.Code); known && !ok {
		return ""
	}
	switch kind {
	case MarkEAN8, MarkEAN13, MarkITF14:
		return strings.Repeat("0", 14-len(m.Code)) + m.Code
	case MarkShort:
		return m.Code[:14]
	}
	gtin, _, _ := splitGS1(m.Code)
	return gtin
}

// Serial is the serial number in the code; "" where it has none.
func (m Mark) Serial() string {
	if m.EffectiveKind() == MarkShort {
		if len(m.Code) < 21 {
			return ""
		}
		return m.Code[14:21]
	}
	_, rest, _ := splitGS1(m.Code)
	serial, _, _ := strings.Cut(rest, gs)
	return serial
}

// Base64 is the code in standard base64, group separators included, as
// Sberbank, ATOL and YooKassa take it.
func (m Mark) Base64() string { return base64.StdEncoding.EncodeToString([]byte(m.Code)) }

// Tag1162 is the product code of FFD 1.05 (код товара, 1162), at most 32 bytes:
// for a DataMatrix 44 4D, the GTIN as a number of six bytes and the serial
// number, the rest dropped; for barcodes 45 08, 45 0D and 49 0E with the number
// alone. Of a pack of tobacco the highest price goes along with the serial
// number. Other kinds have no form there and give ErrMark. OrangeData takes the
// bytes in base64, Sberbank in hexadecimal, Alfa-Bank in hexadecimal with
// spaces.
func (m Mark) Tag1162() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	head, tail := "", ""
	switch m.EffectiveKind() {
	case MarkEAN8:
		head = "\x45\x08"
	case MarkEAN13:
		head = "\x45\x0d"
	case MarkITF14:
		head = "\x49\x0e"
	case MarkShort:
		head, tail = "\x44\x4d", m.Code[14:min(25, len(m.Code))]
	case MarkGS1M, MarkGS10:
		head, tail = "\x44\x4d", m.Serial()
	}
	gtin := m.GTIN()
	if head == "" || len(gtin) != 14 || len(tail) > 24 {
		return nil, badMark("a code of the kind "+m.EffectiveKind().String()+" has no form for FFD 1.05", "для этого кода нет формы в ФФД 1.05")
	}
	var n uint64
	for i := range len(gtin) {
		n = n*10 + uint64(gtin[i]-'0')
	}
	b := make([]byte, 0, 8+len(tail))
	b = append(b, head...)
	for shift := 40; shift >= 0; shift -= 8 {
		b = append(b, byte(n>>shift))
	}
	return append(b, tail...), nil
}
