package orangedata_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
)

// cloud is a service with mutual TLS for the examples: it prints what it is
// given at once.
func cloud() (*httptest.Server, orangedata.Config) {
	a, err := makeAuthority()
	if err != nil {
		log.Fatal(err)
	}
	key, err := os.ReadFile("testdata/key.xml")
	if err != nil {
		log.Fatal(err)
	}
	answer, err := os.ReadFile("testdata/status_200.json")
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Method == http.MethodGet:
			_, _ = w.Write(answer)
		case strings.Contains(string(body), `"id":"shop-1001-marked"`):
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusCreated)
		}
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{a.server}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.pool}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server, orangedata.Config{Environment: acquiring.Test, BaseURL: server.URL, INN: "7801234564", KeyName: "7801234564_4242",
		PrivateKey: key, Certificate: a.clientPEM, CertificateKey: a.clientKeyPEM, RootCAs: a.pem}
}

// A receipt is put into the queue and looked after until it is printed.
func ExampleClient_Submit() {
	server, conf := cloud() // in life: INN.crt, INN.key and the signing key of the cabinet
	defer server.Close()
	conf.TaxSystem = fiscal.TaxGeneral
	client, err := orangedata.New(conf)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	doc, err := client.Submit(ctx, fiscal.Receipt{
		ID:      "shop-1001-sale", // made from the order: submitting it again prints nothing twice
		Type:    fiscal.Sale,
		Contact: fiscal.Contact{Email: "buyer@example.org"},
		Lines: []fiscal.Line{{Name: "Чай «Иван», 100 г", Price: 14990, Quantity: fiscal.Pieces(2),
			VAT: fiscal.VAT22, Method: fiscal.FullPayment, Subject: fiscal.Goods}},
	})
	for err == nil && !doc.Status.Final() {
		time.Sleep(10 * time.Millisecond) // in life: seconds
		doc, err = client.GetDocument(ctx, doc.ID)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(doc.Status, doc.Fiscal.FD, doc.Fiscal.FP, doc.Fiscal.Total)
	// Output: printed 731 2718281828 299.80
}

// Everything that is wrong is told at once, before anything is sent.
func ExampleClient_Convert() {
	server, conf := cloud()
	defer server.Close()
	client, err := orangedata.New(conf)
	if err != nil {
		log.Fatal(err)
	}
	line := fiscal.Line{Name: "Чай", Price: 14990, Quantity: fiscal.Pieces(1), VAT: fiscal.VAT22, Method: fiscal.FullPayment, Subject: fiscal.Goods}
	old := line
	old.VAT = fiscal.VAT20
	_, _, err = client.Convert(fiscal.Receipt{ID: "A-7", Type: fiscal.SaleReturn, Contact: fiscal.Contact{Phone: "+79990000000"}, Lines: []fiscal.Line{line, old}})
	var faults fiscal.Faults
	if errors.As(err, &faults) {
		for _, fault := range faults {
			fmt.Println(fault.Path)
		}
	}
	// Output:
	// items[1].vat
	// taxSystem
}

// The kinds of refusal are told apart by errors.Is.
func ExampleClient_Check() {
	server, conf := cloud()
	defer server.Close()
	conf.Certificate, conf.CertificateKey = strangersPair()
	client, err := orangedata.New(conf)
	if err != nil {
		log.Fatal(err)
	}
	switch err := client.Check(context.Background()); {
	case errors.Is(err, orangedata.ErrCertificate):
		fmt.Println("the client certificate is not of this environment")
	case errors.Is(err, orangedata.ErrRequestKey):
		fmt.Println("the signing key is not registered under this name")
	case err != nil:
		fmt.Println(err)
	}
	// Output: the client certificate is not of this environment
}

func strangersPair() (cert, key []byte) {
	a, err := makeAuthority()
	if err != nil {
		log.Fatal(err)
	}
	return a.strangerPEM, a.strangerKeyPEM
}
