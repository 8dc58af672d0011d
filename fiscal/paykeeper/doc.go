// Package paykeeper speaks to PayKeeper: a cash-register service that prints
// receipts of law 54-FZ for its own payments and for money that came another
// way, and an acquirer with invoices, a payment form, refunds, holds and saved
// cards.
//
// [Client] is the [fiscal.Register]; [Client.Acquirer] gives its payments as an
// [acquiring.Acquirer]. Beside the two, Client has a method for each call of
// the JSON protocol (JSON API личного кабинета).
//
// # Credentials
//
// PayKeeper gives each merchant a host of his own,
// https://<merchant>.server.paykeeper.ru. The login and the password are those
// of the cabinet (личный кабинет); make a user of its own for the program. The
// secret word (секретное слово) is a third secret: it signs payment forms and
// notifications, and is set beside the address of notifications (Настройки,
// «Получение информации о платежах», «POST-оповещения»).
//
// # What to know before going live
//
// The protocol has no idempotency keys. The client finds out before it
// repeats: an invoice by its order number, a refund by the list of refunds, a
// receipt by its key. What a restart of the program would forget it keeps in
// [Config.Store]; give it one that lasts, over your database.
//
// Whether payments are held or taken at once is set in the cabinet, and no
// status tells the two apart: say it in [Config.TwoStage].
//
// Documentation: https://docs.paykeeper.ru/dokumentatsiya-json-api/ and
// https://docs.paykeeper.ru/metody-integratsii/priyom-post-opoveshhenij.
package paykeeper
