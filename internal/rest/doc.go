// Package rest makes one HTTP call to a provider right: with timeouts, a
// limit on the answer, retries of what is safe to repeat, no redirect to
// another host, errors that say whether the request may have been carried
// out, and no secret in any of them.
//
// It knows no provider. What a refusal looks like, and which call may be
// repeated, each provider says itself.
package rest
