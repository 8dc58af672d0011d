package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
)

// departure is one attempt on its way: it notes that the request got a
// connection, and so may have left. What the attempt needs lies in it, in one
// piece of memory.
type departure struct {
	trace httptrace.ClientTrace
	left  atomic.Bool
	body  bytes.Reader
}

func (d *departure) gotConn(httptrace.GotConnInfo) { d.left.Store(true) }

// request is the HTTP request of a call: what http.NewRequestWithContext makes,
// without an address to be read, since it was read already.
func (d *departure) request(ctx context.Context, call Call, target *url.URL) *http.Request {
	d.trace.GotConn = d.gotConn
	req := http.Request{Method: call.Method, URL: target, Host: target.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header)}
	if body := call.Body; len(body) > 0 {
		d.body.Reset(body)
		req.Body, req.ContentLength = io.NopCloser(&d.body), int64(len(body))
		// net/http asks for the body again when an idle connection turned out
		// to be closed before a byte was written to it.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	} else if body != nil {
		req.Body = http.NoBody
		req.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
	}
	return req.WithContext(httptrace.WithClientTrace(ctx, &d.trace))
}

// mostFirst is how much room an answer gets on its server's word alone.
const mostFirst = 64 << 10

// readAnswer reads an answer to its end, or a byte more than the limit.
func readAnswer(resp *http.Response, limit int64) ([]byte, error) {
	room := int64(512)
	if said := resp.ContentLength; said > 0 {
		room = min(said, mostFirst-1) + 1 // the byte more finds the end without growing
	}
	data := make([]byte, 0, min(room, limit+1))
	for {
		n, err := resp.Body.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case err == io.EOF:
			return data, nil
		case err != nil:
			return data, err
		case int64(len(data)) > limit:
			return data, nil
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
			data = data[:len(data):min(int64(cap(data)), limit+1)]
		}
	}
}
