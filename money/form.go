package money

import "net/url"

// EncodeValues writes the sum into a form in kopecks, as the sum's JSON form
// is. It makes an Amount a query.Encoder of github.com/google/go-querystring,
// which would otherwise take String and send rubles. It gives no error.
func (a Amount) EncodeValues(key string, v *url.Values) error {
	v.Set(key, a.Minor())
	return nil
}
