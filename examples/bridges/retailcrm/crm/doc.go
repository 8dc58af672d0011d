// Package crm is the contract between RetailCRM and a payment module: what the
// module calls ([Client]), and what the CRM calls ([CreateRequest] and the
// others), as far as it is published.
//
// Sums are decimal roubles on the wire and kopecks here; nothing passes through
// a float. What the CRM sends is decoded leniently, because it sends numbers as
// text and text as numbers: a value of the wrong kind is a fault that Validate
// names for the manager, never an error of the decoder.
//
// RetailCRM's own client in Go has no methods for payment modules, so they are
// here.
package crm
