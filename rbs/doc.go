// Package rbs is what the bank gateways of the RBS family (software of BPC;
// Sberbank, Alfa-Bank and other banks run it) have in common: forms and JSON
// on the way there, answers whose scalars change their type from one bank and
// version to the next, order states, processing codes, and the callback with
// its checksum.
//
// It knows no bank. Hosts, credentials, tables of error codes and states, and
// receipts are the bank's own package's business; the package takes them as
// values. A program that takes payments imports the bank's package, not this
// one.
//
// A field without a comment is the gateway's own, by the name in its tag: see the
// documents that the packages sberbank and alfabank name. Sums are in kopecks. A
// function that refuses something gives an *acquiring.Error of kind ErrInvalid
// that names the field, with OutcomeNotSent.
package rbs
