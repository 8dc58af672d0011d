//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package tochka

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// staleLock is the age at which a lock is one that a crash left behind: a
// refresh does not take that long.
const staleLock = 2 * time.Minute

// lockFile takes a lock that holds for all processes, by making a file that
// must not be there.
func lockFile(ctx context.Context, path string) (release func(), err error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err == nil {
			return func() { _ = f.Close(); _ = os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > staleLock {
			_ = os.Remove(path)
			continue
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
