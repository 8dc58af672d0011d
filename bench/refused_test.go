package bench

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/acquiring-go/acquiring"
)

// wrongChecksum is what the gateways of the RBS family are told of a checksum
// that is not theirs.
const wrongChecksum = "the checksum is not the bank's"

// refused is a work with a message that was changed: it must cost what a right
// one costs but for the decoding, which a forged one does not get. The message
// must be refused with the words of a wrong signature: one that is refused for
// its form, before anything was hashed, would be cheap and prove nothing.
func refused(b *testing.B, work, words string, bare func() bool, ours func() error) {
	b.Helper()
	if err := ours(); !errors.Is(err, acquiring.ErrSignature) || !strings.Contains(err.Error(), words) {
		b.Fatalf("%s: not %q but: %v", work, words, err)
	}
	b.Run(work+"/bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if bare() {
				b.Fatal("accepted")
			}
		}
	})
	b.Run(work+"/ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			// errors.Is would add allocations of its own.
			if e, ok := ours().(*acquiring.Error); !ok || e.Kind != acquiring.ErrSignature {
				b.Fatal("accepted, or refused for something else")
			}
		}
	})
}

// decodeChanged is decode of a notification that was changed; canonical is what
// its checksum should have been made over.
func decodeChanged(b *testing.B, work string, c acquiring.Acquirer, r *request, canonical, want []byte) {
	b.Helper()
	refused(b, work+", changed", wrongChecksum, func() bool { return hmacFits(canonical, want) },
		func() error { _, err := c.VerifyCallback(ctx, r.again()); return err })
}

// hmacFits says whether want is the HMAC of the message.
func hmacFits(message, want []byte) bool {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return hmac.Equal(mac.Sum(nil), want)
}
