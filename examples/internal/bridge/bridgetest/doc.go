// Package bridgetest is a school for the tests of a bridge: two banks, the
// bridge's own file of settings, and the bridge, in this process or in one of
// its own that can be killed. The CRM is the test's.
package bridgetest
