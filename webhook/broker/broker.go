package broker

import (
	"context"
	"fmt"
	"net/url"
	"runtime/debug"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/acquiring-go/acquiring/webhook"
)

// Publish is a process for webhook.Handler, its Other option and
// webhook.Poller that publishes each event to the topic. It returns nil when
// the publisher did, so success means what success means there: see the
// package's page. The message's context is the notification's. It panics when
// there is no publisher or no topic.
func Publish(pub message.Publisher, topic string, opts ...Option) func(ctx context.Context, e webhook.Event) error {
	if pub == nil || topic == "" {
		panic("broker.Publish: the publisher is nil or the topic empty")
	}
	c := newConfig(opts)
	return func(ctx context.Context, e webhook.Event) error {
		m, err := c.write(topic, e)
		if err != nil {
			return err
		}
		m.SetContext(ctx)
		if err := pub.Publish(topic, m); err != nil {
			return fmt.Errorf("broker: publishing %s to %s: %w", e.Key, topic, err)
		}
		return nil
	}
}

// Handler is a Watermill handler that runs process once for each piece of news,
// however often it is delivered; see webhook.Inbox for what once means. With
// sqlinbox, sqlinbox.Tx(ctx) is the transaction, as in webhook.Handler.
//
// name says what process does, and is a part of the key in the Inbox:
// "ledger", "mail". Replicas have the same name; consumers that do different
// work over one Inbox have different ones, and so each hears of all news. It
// also keeps them apart from a webhook.Handler or Poller over the same Inbox,
// whose own marks would otherwise pass for the consumer's. Whoever changes a
// name has what is redelivered done again.
//
// A nil error acknowledges the message. A message that cannot be read gives a
// *PoisonError; an error or a panic of process, or of the Inbox
// (webhook.ErrInFlight: another replica is at it), is returned for the broker
// to deliver the message again. It panics when an argument is missing.
func Handler(name string, inbox webhook.Inbox, process func(ctx context.Context, e webhook.Event) error, opts ...Option) message.NoPublishHandlerFunc {
	if name == "" || inbox == nil || process == nil {
		panic("broker.Handler: there is no name, Inbox or process")
	}
	c := newConfig(opts)
	return func(m *message.Message) error {
		e, err := c.read(m)
		if err != nil {
			return err
		}
		err = inbox.Once(m.Context(), inboxKey(name, e.Key), func(ctx context.Context) error {
			return guard(ctx, process, e)
		})
		if err != nil {
			return fmt.Errorf("broker: %s: %s: %w", name, e.Key, err)
		}
		return nil
	}
}

// inboxKey is the mark of a consumer's work on the news.
func inboxKey(name, key string) string { return "consumer:" + url.QueryEscape(name) + ":" + key }

// guard turns a panic into an error before it gets into the Inbox.
func guard(ctx context.Context, process func(ctx context.Context, e webhook.Event) error, e webhook.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("process panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return process(ctx, e)
}
