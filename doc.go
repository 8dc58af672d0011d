// Package acquiring takes money in Russia: one interface, [Acquirer], before
// the banks and payment services that the provider packages beside it speak
// to.
//
// A program issues an invoice with CreateInvoice, sends the customer its
// PayURL or its SBP QR code, learns of the payment through a callback
// ([Acquirer.VerifyCallback], ordinarily behind the webhook package's
// Handler), asks for its state with GetStatus, and gives money back with
// Refund. What only some providers can do is an interface of its own
// ([Capturer], [QRIssuer], [Charger] and so on), asked for with a type
// assertion:
//
//	if c, ok := a.(acquiring.Capturer); ok {
//		payment, err = c.Capture(ctx, acquiring.CaptureRequest{ID: id})
//	}
//
// # Money
//
// Sums are [money.Amount]: kopecks in an int64.
//
// # Errors and unknown outcomes
//
// Every error that a provider, or the way to it, gives is an [*Error]. Its
// Kind says what happened (errors.Is(err, acquiring.ErrDeclined)); its Outcome
// says whether the money may have moved. After [OutcomeUnknown] do not repeat
// the call as a new one: CreateInvoice with the same OrderID and Refund with
// the same Key are the ways to repeat safely, GetStatus and [Finder] the ways
// to look. A context that was cancelled or timed out says nothing about the
// outcome.
package acquiring
