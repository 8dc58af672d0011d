// Package bench measures the library beside its peers and beside bare twins: the
// same work done with the standard library alone, without a check left out.
//
// A benchmark's last name is who does the work ("ours", "bare", a peer), the
// names before it are the work; every work has a "bare". Whoever does not verify
// is not here. The table of docs/performance.md is made by
//
//	go run -C bench ./table -write docs/performance.md
package bench
