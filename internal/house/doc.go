// Package house holds the tests that keep the module in order: who may import
// whom, that every exported name says what it is, that no float comes near a
// sum.
package house
