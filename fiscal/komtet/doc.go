// Package komtet prints 54-FZ receipts through Komtet Kassa (КОМТЕТ Касса,
// https://kassa.komtet.ru): a [Client] is a [fiscal.Register], and gives the
// service's whole interface besides, in both its versions: receipts and
// corrections singly and in batches, queues, tasks, courier orders, employees
// and notifications.
//
// What is needed, all from the cabinet (https://kassa.komtet.ru/manage/shops):
// the shop's identifier and secret key, the number of a queue, and, for the
// notifications, the public address of their handler. The service has no test
// host: a shop with a queue of test registers is set up in the cabinet.
//
// A receipt becomes a task (задание) of a queue; a cash register of the queue
// prints it seconds or minutes later. Receipt.ID is the task's external_id:
// one shop prints it once, whatever the contents, so a return needs a number of
// its own, and so does another attempt after a failure ("A-7-r2").
//
// The documentation: https://kassa.komtet.ru/integration/api.
package komtet
