// Package orangedatatest is an emulator of OrangeData (API v2, protocol
// 2.31.3): documents, both kinds of corrections, marking-code checks, register
// status, the access check and callbacks, behind mutual TLS on certificates
// made at the start.
//
// It speaks the protocol as https://github.com/orangedata-official/API
// describes it, not as the client beside it does. It asks for a client
// certificate and refuses a missing or foreign one as the service's front
// does, with a page of HTML; it verifies the signature over the bytes as they
// came; it gathers all faults of a document; it keeps one space of ids for an
// organisation.
//
// Where nobody says what the service does, there is an option, or the
// emulator chooses: an id refused with 400 stays free (WithBurntIDs), FFD 1.05
// in a group of 1.2 is refused (WithOldFormatInNewGroups), a document is printed
// after 2 seconds or, under a clock that stands still, at the second look,
// callbacks carry the body of the status and are repeated after 1, 5 and 30
// seconds.
package orangedatatest
