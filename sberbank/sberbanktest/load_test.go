package sberbanktest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cycle registers an order, pays it and reads its status.
func cycle(client *http.Client, s *Server, number string) error {
	post := func(method, fields string) (string, error) {
		resp, err := client.Post(s.URL+"/ecomm/gw/partner/api/v1/"+method, "application/json", strings.NewReader("{"+credentials+","+fields+"}"))
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	if _, err := post("register.do", `"orderNumber":"`+number+`","amount":154990,"returnUrl":"https://crm.example/ok"`); err != nil {
		return err
	}
	if err := s.Pay(number); err != nil {
		return err
	}
	answer, err := post("getOrderStatusExtended.do", `"orderNumber":"`+number+`"`)
	if err == nil && !strings.Contains(answer, `"orderStatus":2`) {
		err = fmt.Errorf("not paid: %s", answer)
	}
	return err
}

// BenchmarkCycle is register → pay → callback → status, as many customers at
// once as there are processors.
func BenchmarkCycle(b *testing.B) {
	for _, way := range []string{"straight", "network"} {
		b.Run(way, func(b *testing.B) {
			var got atomic.Int64
			shop := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) })
			opts := []Option{WithCallbackURL("http://shop.test/cb"), WithCallbackHandler(shop)}
			if way == "straight" {
				opts = append(opts, WithoutListening())
			} else {
				server := httptest.NewServer(shop)
				defer server.Close()
				opts = []Option{WithCallbackURL(server.URL)}
			}
			s := NewServer(opts...)
			defer s.Close()
			client := s.Client()
			if way == "network" {
				client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			}
			var n atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := cycle(client, s, strconv.FormatInt(n.Add(1), 10)); err != nil {
						b.Error(err)
						return
					}
				}
			})
			s.Deliver()
			b.StopTimer()
			if got.Load() != n.Load() {
				b.Errorf("%d callbacks for %d orders", got.Load(), n.Load())
			}
			b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "cycles/s")
		})
	}
}

func TestManyCustomersAtOnce(t *testing.T) {
	var got atomic.Int64
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got.Add(1) }))
	defer shop.Close()
	s := NewServer(WithCallbackURL(shop.URL))
	defer s.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() { assert.NoError(t, cycle(client, s, "N-"+strconv.Itoa(i))) })
	}
	wg.Wait()
	s.Deliver()
	assert.EqualValues(t, 200, got.Load())
	require.Len(t, s.Orders(), 200)
	for _, o := range s.Orders() {
		assert.EqualValues(t, 154990, o.Captured)
	}
}

// FuzzRequests sends anything to any path: no panic, and what is answered is
// one of the gateway's own shapes.
func FuzzRequests(f *testing.F) {
	f.Add("/ecomm/gw/partner/api/v1/register.do", "", exampleRegister)
	f.Add("/ecomm/gw/partner/api/v1/register.do", "", "{"+credentials+","+fiscalOrder+"}")
	f.Add("/ecomm/gw/partner/api/v1/recurrentPayment.do", "", "{"+credentials+"}")
	f.Add("/ecomm/gw/partner/api/ofd/v1/doReceipt", "", "{"+credentials+`,"orderNumber":"paid",`+bundle+"}")
	f.Add("/ecomm/gw/partner/api/v1/refund.do", "", "{"+credentials+`,"orderId":"7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1","amount":1}`)
	f.Add("/payment/rest/register.do", "userName=demo-api&password=Emulator-Password-1", "orderNumber=1&amount=1&returnUrl=x&orderBundle="+url.QueryEscape("{"+bundle[len(`"orderBundle":{`):]))
	f.Add("/payment/rest/getLastOrdersForMerchants.do", "userName=demo-api&password=Emulator-Password-1", "size=1&from=20260303000000&to=20260304000000&transactionStates=CREATED")
	f.Add("/payment/mir/payment.do", "", `{"merchant":"demo","orderNumber":"1","paymentToken":"e30=","amount":1}`)
	f.Add("/pp/pay_ru", "orderId=paid", "do=pay&pan=2202205000012424&valid=05/35&cvc=669")
	f.Add("/acs/creq", "", "creq=e30%3D")
	f.Add("/acs/method", "", "threeDSMethodData=e30%3D")
	f.Add("/mportal/mvc/public/merchant/update/demo", "", "{}")
	s := NewServer(WithClock(NewClock(noon)), WithoutListening(), WithSeed(7))
	defer s.Close()
	client := s.Client()
	f.Fuzz(func(t *testing.T, path, query, body string) {
		req, err := http.NewRequest(http.MethodPost, s.URL+"/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Path, req.URL.RawQuery = path, query
		contentType := "application/json"
		if !strings.HasPrefix(body, "{") {
			contentType = "application/x-www-form-urlencoded"
		}
		req.Header.Set("Content-Type", contentType)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && gateway.ObjectOf(string(answer)) == nil {
			t.Fatalf("%s answers %q", path, answer)
		}
	})
}
