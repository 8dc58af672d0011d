package broker

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

// The names of the metadata. All but the signature repeat what the payload
// says, for routing, filters and eyes; nothing in them is believed.
const (
	MetaVersion   = "acquiring_version"   // "1"
	MetaKey       = "acquiring_key"       // the event's key
	MetaPayment   = "acquiring_payment"   // the payment's number at the provider; the order's where there is none
	MetaOrder     = "acquiring_order"     // the order number as the provider has it
	MetaStatus    = "acquiring_status"    // the payment's: "paid"; absent where there is no payment
	MetaSignature = "acquiring_signature" // with Signed: the payload's HMAC, in hexadecimal digits
)

// Option changes how events are written and read.
type Option func(*config)

type config struct {
	raw  bool
	keys []*webhook.HMAC
}

func newConfig(opts []Option) *config {
	c := &config{}
	for _, o := range opts {
		o(c)
	}
	return c
}

// Signed signs each message with the first key when it is published, and
// refuses, when it is read, whatever none of the keys has signed. To change the
// key, give the consumers both, then the publishers the new one, then the
// consumers the new one alone. It panics without a key.
//
//	key, err := webhook.NewHMAC(sha256.New, secret)
//	… broker.Signed(key)
func Signed(keys ...*webhook.HMAC) Option {
	if len(keys) == 0 {
		panic("broker.Signed: there is no key")
	}
	for _, k := range keys {
		if k == nil {
			panic("broker.Signed: a key is nil")
		}
	}
	return func(c *config) { c.keys = keys }
}

// WithRaw publishes Callback.Raw and Payment.Raw too: the provider's own
// notification and answer, with all that they say about the customer.
func WithRaw() Option {
	return func(c *config) { c.raw = true }
}

// NewMessage is the message that Publish publishes to the topic, for whoever
// publishes in another way. The same event makes a message with the same UUID
// for the same topic. An event that cannot be carried exactly (a question, one
// without a key, text that is not UTF-8) is an error with the kind
// acquiring.ErrInvalid.
func NewMessage(topic string, e webhook.Event, opts ...Option) (*message.Message, error) {
	return newConfig(opts).write(topic, e)
}

// ParseMessage reads the event back from a message. The error is a
// *PoisonError.
func ParseMessage(m *message.Message, opts ...Option) (webhook.Event, error) {
	return newConfig(opts).read(m)
}

// PartitionKey is the payment that the message is about: what keeps the news of
// one payment in one partition. It is made for the partitioning marshaler of
// Watermill's Kafka publisher.
func PartitionKey(_ string, m *message.Message) (string, error) {
	return m.Metadata.Get(MetaPayment), nil
}

func (c *config) write(topic string, e webhook.Event) (*message.Message, error) {
	payload, err := marshal(e, c.raw)
	if err != nil {
		return nil, acquiring.Invalid("Event", fmt.Sprintf("%+q cannot be published: %v", e.Key, err))
	}
	m := message.NewMessage(messageID(topic, e.Key), payload)
	payment, order := e.Callback.PaymentID, e.Callback.OrderID
	if p := e.Payment; p != nil {
		payment, order = firstOf(p.ID, payment), firstOf(p.OrderID, order)
		m.Metadata.Set(MetaStatus, p.Status.String())
	}
	m.Metadata.Set(MetaVersion, strconv.Itoa(Version))
	m.Metadata.Set(MetaKey, e.Key)
	m.Metadata.Set(MetaPayment, firstOf(string(payment), order))
	m.Metadata.Set(MetaOrder, order)
	if len(c.keys) > 0 {
		m.Metadata.Set(MetaSignature, hex.EncodeToString(c.keys[0].Sum(nil, payload)))
	}
	return m, nil
}

func (c *config) read(m *message.Message) (webhook.Event, error) {
	if len(c.keys) > 0 {
		if reason := c.unsigned(m); reason != "" {
			return webhook.Event{}, &PoisonError{UUID: m.UUID, Kind: acquiring.ErrSignature, Reason: reason}
		}
	}
	e, kind, err := unmarshal(m.Payload)
	if err != nil {
		return webhook.Event{}, &PoisonError{UUID: m.UUID, Kind: kind, Reason: short(err.Error())}
	}
	return e, nil
}

// short cuts a reason off: the decoder's errors hold the value at fault whole,
// and a reason becomes a header, whose length brokers limit.
func short(reason string) string {
	const most = 300
	if len(reason) <= most {
		return reason
	}
	return strings.ToValidUTF8(reason[:most], "") + "..."
}

// unsigned says what is wrong with the signature; "": nothing.
func (c *config) unsigned(m *message.Message) string {
	signature := m.Metadata.Get(MetaSignature)
	if signature == "" {
		return "there is none in " + MetaSignature
	}
	for _, key := range c.keys {
		if key.VerifyHex(m.Payload, signature) {
			return ""
		}
	}
	return "it is not of this payload, or of another key"
}

func firstOf[S ~string](a, b S) S {
	if a != "" {
		return a
	}
	return b
}

var namespace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/acquiring-go/acquiring/webhook/broker"))

// messageID is the UUID of the news in the topic. The topic is in it because
// some brokers keep several topics in one stream and drop repeated ids in the
// whole of it.
func messageID(topic, key string) string {
	return uuid.NewHash(sha256.New(), namespace, []byte(topic+"\x00"+key), 8).String()
}
