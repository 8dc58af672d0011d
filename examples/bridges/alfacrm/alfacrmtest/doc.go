// Package alfacrmtest is AlfaCRM (s20.online) on your own machine: the part of
// its REST API v2 that a payment is posted through. No account, no money.
//
//	crm := alfacrmtest.NewServer()
//	defer crm.Close()
//	… log in at crm.URL with alfacrmtest.DefaultEmail and DefaultAPIKey, post …
//	crm.Balance(alfacrmtest.DefaultCustomer)
//
// It is written from what is published of the API, not from any client, and it
// is what the API is: a token lives 15 minutes by the clock; the branch is a
// part of the path; dates are dd.mm.yyyy and sums are decimal text; a refusal
// comes with HTTP 200 and says so in its errors, which are an object when there
// are any and an empty array when there are none; unknown fields are ignored;
// lists come in pages; and nothing keeps the same payment from being posted
// twice. A request whose answer is lost (Fault of kind LostAnswer) has done its
// work.
//
// What is not published is a field of Unknowns, and a client should be tried
// both ways.
//
// # Paths
//
//	POST /v2api/auth/login
//	POST /v2api/{branch}/customer/index
//	POST /v2api/{branch}/pay-account/index
//	POST /v2api/{branch}/pay-item/index
//	POST /v2api/{branch}/pay-item-category/index
//	POST /v2api/{branch}/pay/create
//	POST /v2api/{branch}/pay/update?id=N
//	POST /v2api/{branch}/pay/index
package alfacrmtest
