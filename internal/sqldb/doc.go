// Package sqldb is what the packages that keep things in the user's own
// database share: the differences between the databases, which error means
// what, and a transaction whose commit is not cut off. It imports no driver.
package sqldb
