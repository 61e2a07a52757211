//go:build unix

package source

import (
	"io/fs"
	"syscall"
)

// identify tells a file from all others that are there at the same time: by device and inode, which it keeps when it is
// renamed.
func identify(_ string, info fs.FileInfo) fileID {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileID{uint64(s.Dev), s.Ino} //nolint:unconvert // int32 on some systems
	}
	return fileID{}
}
