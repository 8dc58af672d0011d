package orangedata

import (
	"net/http"
	"time"
)

// SetNow sets the clock by which the rates of VAT are told.
func (c *Client) SetNow(now time.Time) { c.now = func() time.Time { return now } }

// Authentic checks a notification and asks the service nothing.
func (c *Client) Authentic(r *http.Request) (id string, err error) {
	_, id, err = c.authentic(r)
	return id, err
}
