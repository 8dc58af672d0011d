// Package paymaster takes payments through PayMaster (paymaster.ru), in both
// generations that merchants have in their hands.
//
// [Client] speaks the REST API v2: a merchant number and a token, JSON, one
// call per step. It is what a shop that signs up today is given. Its
// notifications are not signed, so each payment is read back.
//
// [ClassicClient] speaks the classic protocol of LMI_ fields: the identifier
// (Идентификатор) and the secret key (Секретный ключ) that the manuals of CRM
// systems ask for. The notification is signed with the key, so that these two
// are enough to take money and to know that it came. What needs more, asking
// for a payment's status and refunds, goes through the REST API v1 with a
// login of its own (ClassicConfig.Login) and says so by name where there is
// none.
//
// # Credentials
//
// The merchant number, in both generations a UUID, is the first column of the
// cabinet's list of sites (Список сайтов). The token of the API v2 is issued at
// https://paymaster.ru/cpl/currentusertokens. The secret key and the kind of
// signature (тип подписи: MD5, SHA1, SHA256) of the classic protocol are on the
// site's page in the cabinet; choose a long random key and SHA256. The login of
// the REST API v1 is a cabinet user with the way of entrance "Автоматический
// доступ" and the role Бухгалтер (refunds, holds) or Операционист (reading).
//
// There is one host for test and production. A payment of the API v2 is a test
// one by a field of its request; a site of the classic protocol is switched in
// the cabinet (Тестовый/Рабочий режим). A client of acquiring.Production
// refuses test payments in either, because their money does not exist.
//
// Documentation: https://paymaster.ru/docs/ru/api (v2),
// https://paymaster.ru/docs/ru/wmi (classic),
// https://paymaster.ru/docs/ru/restapi (REST v1).
package paymaster
