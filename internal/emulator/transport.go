package emulator

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// Recorder keeps an answer instead of sending it.
type Recorder struct {
	Code   int // 0 until something is written
	Body   bytes.Buffer
	header http.Header
}

// NewRecorder is an empty one.
func NewRecorder() *Recorder { return &Recorder{header: http.Header{}} }

// Header is the header to be filled.
func (r *Recorder) Header() http.Header { return r.header }

// WriteHeader keeps the first status.
func (r *Recorder) WriteHeader(code int) {
	if r.Code == 0 {
		r.Code = code
	}
}

// Write keeps the body.
func (r *Recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.Body.Write(b)
}

// Transport goes straight to the handler, without the network. An answer that
// the handler breaks off (http.ErrAbortHandler) is an error, or a body that
// ends with one, as it is on a real connection.
func Transport(h http.Handler) http.RoundTripper { return handlerTransport{h} }

type handlerTransport struct{ h http.Handler }

var errClosed = errors.New("emulator: the connection was closed without an answer")

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	// On the way over a network names of headers lose their case.
	in.Header = make(http.Header, len(r.Header))
	for name, values := range r.Header {
		name = http.CanonicalHeaderKey(name)
		in.Header[name] = append(in.Header[name], values...)
	}
	in.RequestURI = in.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	if in.Host == "" {
		in.Host = in.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	rec := NewRecorder()
	aborted := false
	func() {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				aborted = true
			default:
				panic(p)
			}
		}()
		t.h.ServeHTTP(rec, in)
	}()
	_ = in.Body.Close()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if aborted && rec.Code == 0 {
		return nil, errClosed
	}
	rec.WriteHeader(http.StatusOK)
	resp := &http.Response{
		Status:     strconv.Itoa(rec.Code) + " " + http.StatusText(rec.Code),
		StatusCode: rec.Code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rec.header, ContentLength: int64(rec.Body.Len()), Request: r,
		Body: io.NopCloser(bytes.NewReader(rec.Body.Bytes())),
	}
	if aborted {
		resp.ContentLength = -1
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(rec.Body.Bytes()), cutOff{}))
	}
	return resp, nil
}

// cutOff is the end of a body that broke off.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
