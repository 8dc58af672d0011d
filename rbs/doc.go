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
package rbs
