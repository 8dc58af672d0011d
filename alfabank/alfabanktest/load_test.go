package alfabanktest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// Many shops' threads at once: nothing is lost, refunded twice or told twice.
func TestManyAtOnce(t *testing.T) {
	end := &shopEnd{}
	s := NewServer(WithoutListening(), WithCallbackHandler(end), WithCallbackURL("https://tea.example/cb"))
	defer s.Close()
	call := func(method, fields string) obj {
		resp, err := s.Client().Post(s.URL+"/payment/rest/"+method, formType, strings.NewReader(pair+"&"+fields))
		if err != nil {
			t.Error(err)
			return nil
		}
		body, _ := io.ReadAll(resp.Body)
		return gateway.ObjectOf(string(body))
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for n := range 10 {
				number := fmt.Sprintf("T-%d-%d", i, n)
				id, _ := call("register.do", "orderNumber="+number+"&amount=100&returnUrl="+ok)["orderId"].(string)
				assert.NoError(t, s.Pay(id))
				for range 2 {
					assert.Equal(t, "0", call("refund.do", "orderId="+id+"&amount=30&externalRefundId=k"+number)["errorCode"])
				}
				assert.Equal(t, num("4"), call("getOrderStatusExtended.do", "orderNumber="+number)["orderStatus"])
			}
		})
	}
	all.Wait()
	s.Deliver()
	totals := s.base.Books.Totals()
	assert.Equal(t, []int{160, 160 * 100, 160 * 30}, []int{totals.Orders, int(totals.Captured), int(totals.Refunded)})
	end.mu.Lock()
	defer end.mu.Unlock()
	assert.Len(t, end.got, 320)
}

// Whatever is sent, the answer is JSON or an empty page, never a crash.
func FuzzRequest(f *testing.F) {
	s := NewServer(WithoutListening(), WithoutRequestLog())
	f.Cleanup(s.Close)
	for method := range methods {
		f.Add(method, "orderNumber=A&amount=100&returnUrl=x&orderId=x&mdOrder=x")
	}
	for _, path := range []string{"templates/create.do", "templates/createTemplate.do"} {
		f.Add(path, `{"userName":"r-demo-api","password":"Emul*ator?Pass%1","template":{"type":"ECOM","name":[1],"additionalParams":[1,{"name":2}]},"qrTemplate":{"qrHeight":1}}`)
	}
	f.Add("register.do", "orderNumber=A&amount=1&returnUrl=x&orderBundle="+url.QueryEscape(basket1))
	f.Fuzz(func(t *testing.T, method, fields string) {
		r, err := http.NewRequest("POST", s.URL+"/payment/rest/"+strings.TrimLeft(method, "/"), strings.NewReader(pair+"&"+fields))
		if strings.HasPrefix(fields, "{") {
			r, err = http.NewRequest("POST", s.URL+"/payment/rest/"+strings.TrimLeft(method, "/"), strings.NewReader(fields))
		}
		if err != nil {
			return
		}
		resp, err := s.Client().Do(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		if resp.StatusCode == 200 {
			require.NotNil(t, gateway.ObjectOf(string(body)), "%s", body)
		}
	})
}
