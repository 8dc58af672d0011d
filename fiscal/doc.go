// Package fiscal is the receipt of law 54-FZ (чек): its model in FFD 1.05 and
// 1.2, its arithmetic, its checks, and [Register], the cash-register service
// that prints it.
//
// A receipt is said once, in this model, and printed by whoever prints it: the
// bank that takes the payment (InvoiceRequest.Receipt) or a Register of the
// packages komtet, orangedata and paykeeper. The model holds rates and
// meanings, never a service's codes: code 10 is VAT of 7 % at Sberbank and of
// 5 % at Alfa-Bank.
//
// What a receipt needs, in the order in which a shop meets it: the lines
// ([GoodsLine], [ServiceLine], [MarkedLine] with [ParseMark]); the discount
// spread over them to the kopeck ([Spread], [Receipt.Normalize]); the checks
// ([Receipt.Validate] tells every fault at once, [Receipt.Warnings] what is
// doubtful); money taken before the delivery and the receipt of the delivery
// ([Prepay], [Settle]); what comes back ([Return]); what was printed wrongly
// ([Correct], [CorrectMissing]). [Receipt.Text] shows it to a person, and
// [FiscalData.QR] is the code by which the printed one is checked.
//
// All sums are exact: kopecks and millionths of a unit in integers, VAT by the
// line, rounded half up. The rate of a line is that of the day of the sale
// ([DefaultVAT]): what was sold in 2025 at 20 % comes back at 20 %.
//
// Numbers in parentheses in the comments are tags of the format of fiscal data
// (ФФД, order of the Federal Tax Service ЕД-7-20/662@).
package fiscal
