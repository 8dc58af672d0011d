package paykeepertest

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

type object = map[string]any

// moscow is the service's time zone.
var moscow = time.FixedZone("MSK", 3*60*60)

const stamp = "2006-01-02 15:04:05"

func (s *Server) now() time.Time { return s.base.Clock.Now().In(moscow) }

// when is a time as answers have it; the zero time is null.
func when(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.In(moscow).Format(stamp)
}

// json answers with all letters outside ASCII as \u escapes, as the service
// does: a client in the field looks for them in the bytes.
func (c call) json(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = c.w.Write(escaped(b))
}

func escaped(b []byte) []byte {
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case r < 0x80:
			out.WriteByte(byte(r))
		case r <= 0xffff:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, hi, lo)
		}
	}
	return []byte(out.String())
}

// one answers a single object, in an array where the emulator was told so.
func (c call) one(v object) {
	if c.opt.arrays {
		c.json([]any{v})
		return
	}
	c.json(v)
}

func (c call) ok(more object) {
	v := object{"result": "success"}
	for name, e := range more {
		v[name] = e
	}
	c.one(v)
}

func (c call) fail(words string) { c.json(object{"result": "fail", "msg": words}) }

// sum is a sum as answers have it.
func (c call) sum(a money.Amount) any {
	if c.opt.numbers {
		return json.Number(a.String())
	}
	return a.String()
}

// number is a small id as answers have it.
func (c call) number(id string) any {
	if _, err := strconv.Atoi(id); c.opt.numbers && err == nil {
		return json.Number(id)
	}
	return id
}

// rubles reads a sum of a request: fewer decimals are taken, as clients print
// them.
func rubles(s string) (money.Amount, bool) {
	if s == "" || strings.ContainsAny(s, " ,\u00a0") {
		return 0, false
	}
	a, err := money.Parse(s)
	return a, err == nil && a >= 0
}

// truth reads a flag in all the spellings that are seen.
func truth(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// Digests of the service.
func notificationKey(id, sum, client, order, secret string) string {
	d := md5.Sum([]byte(id + sum + client + order + secret))
	return hex.EncodeToString(d[:])
}

func acknowledgement(id, secret string) string {
	d := md5.Sum([]byte(id + secret))
	return "OK " + hex.EncodeToString(d[:])
}

func formSign(sum, client, order, service, email, phone, secret string) string {
	d := sha256.Sum256([]byte(sum + client + order + service + email + phone + secret))
	return hex.EncodeToString(d[:])
}

// Words of a cart.
var (
	taxes = strings.Fields("none vat0 vat5 vat7 vat10 vat20 vat22 vat105 vat107 vat110 vat120 vat122 vat18 vat118")
	items = strings.Fields(`goods excise work service ip payment agent property_right non_operating sales_tax resort_fee other
 goods_uncoded goods_coded exc_uncoded exc_coded`)
	methods = strings.Fields("prepay part_prepay advance full part_credit credit credit_payment")
)

// cart checks the lines of a receipt and gives their sum; fault says what is
// wrong with them. It comes as an array, or as text that holds one.
func cart(v any) (total money.Amount, lines []any, fault string) {
	switch t := v.(type) {
	case nil:
		return 0, nil, ""
	case string:
		if t == "" {
			return 0, nil, ""
		}
		var inner any
		if err := emulator.DecodeJSON([]byte(t), &inner); err != nil {
			return 0, nil, "Корзина не является JSON."
		}
		if _, again := inner.(string); again {
			return 0, nil, "Корзина не является массивом."
		}
		return cart(inner)
	case []any:
		lines = t
	default:
		return 0, nil, "Корзина не является массивом."
	}
	k := &emulator.Check{Lenient: true}
	for i, e := range lines {
		line, ok := e.(map[string]any)
		if !ok {
			return 0, nil, fmt.Sprintf("Позиция %d не является объектом.", i)
		}
		o := emulator.Object(line)
		path := "cart[" + strconv.Itoa(i) + "]"
		k.Length(o, path, "name", true, 128)
		price := k.Number(o, path, "price", true)
		sum := k.Number(o, path, "sum", true)
		if q := k.Number(o, path, "quantity", true); q != nil && q.Sign() <= 0 {
			k.Fail("поле %s.quantity должно быть больше нуля", path)
		}
		if price != nil && price.Sign() < 0 || sum != nil && sum.Sign() < 0 {
			k.Fail("поле %s: сумма меньше нуля", path)
		}
		k.Word(o, path, "tax", true, taxes)
		k.Word(o, path, "item_type", false, items)
		k.Word(o, path, "payment_type", false, methods)
		if sum != nil {
			// The official module leaves the noise of floats behind.
			whole := emulator.HalfUp(sum.Mul(sum, hundred))
			if !whole.IsInt64() {
				k.Fail("поле %s.sum слишком велико", path)
				continue
			}
			total += money.Amount(whole.Int64())
		}
	}
	return total, lines, k.Fault()
}

var hundred, _ = emulator.Rational("100")

// between says whether t lies in the days from and to, both included; an empty
// one is open.
func between(t time.Time, from, to string) bool {
	day := t.In(moscow).Format("2006-01-02")
	return (from == "" || day >= from) && (to == "" || day <= to)
}

// part cuts a list by from and limit.
func part[T any](c call, all []T) []T {
	from, _ := strconv.Atoi(c.get("from"))
	limit, err := strconv.Atoi(c.get("limit"))
	if err != nil || limit <= 0 {
		limit = 100
	}
	from = min(max(from, 0), len(all))
	return slices.Clip(all[from:min(from+limit, len(all))])
}

func has(list []string, word string) bool { return len(list) == 0 || slices.Contains(list, word) }
