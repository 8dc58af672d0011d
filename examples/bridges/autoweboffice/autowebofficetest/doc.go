// Package autowebofficetest is AutoWebOffice (АвтоВебОфис) on your own machine:
// the part of its API in which an invoice is read and marked as paid. No
// account, no money.
//
//	office := autowebofficetest.NewServer()
//	defer office.Close()
//	id := office.AddAccount(autowebofficetest.Account{Sum: money.RUB(50, 0)})
//	… PUT {office.URL}/?r=api/rest/accounts&id={id}&id_account_status=5&key={DefaultSetKey} …
//	office.Account(id).Status // StatusPaid
//
// It is written from what is published of the API, not from any client, and it
// is what the API is: one address, the resource in the parameter r; two keys,
// one to read and one to write, in the query; every value is text; objects are
// created by XML and answered with as many JSON documents, one right after the
// other; an invoice is changed by a PUT whose parameters are in the query too,
// and anything may be written over anything: whoever marks an invoice as paid
// has to look at it first.
//
// What is not published is a field of Unknowns, and a client should be tried
// both ways.
package autowebofficetest
