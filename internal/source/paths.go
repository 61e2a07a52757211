package source

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// paths reads what the user named.
func (r *run) paths() error {
	for _, p := range r.files.Paths {
		if err := r.path(p); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) path(p string) error {
	if p == "-" {
		in := cmp.Or[io.Reader](r.files.Stdin, strings.NewReader(""))
		m := &meter{factor: r.files.MaxExpansion}
		return r.content(counted{in, m}, nil, input{name: "-", named: true, live: true}, m, 0)
	}
	info, err := os.Stat(p)
	if err == nil && info.IsDir() {
		return r.folder(p)
	}
	if err == nil {
		return r.file(p, true)
	}
	found, globErr := filepath.Glob(p)
	found = slices.DeleteFunc(found, func(f string) bool { // as in a shell, * is not for hidden files
		return strings.HasPrefix(filepath.Base(f), ".") && !strings.HasPrefix(filepath.Base(p), ".")
	})
	if globErr != nil || len(found) == 0 {
		return r.unread(p, "%v", unwrapPath(err))
	}
	slices.Sort(found)
	for _, f := range found {
		info, err := os.Stat(f)
		switch {
		case err != nil:
			err = r.unread(f, "%v", unwrapPath(err))
		case info.IsDir():
			err = r.folder(f)
		default:
			err = r.file(f, true)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// folder reads a folder and those inside it, in the order of their names. Links to folders inside it are not followed, so
// that none leads round in a circle.
func (r *run) folder(root string) error {
	if info, err := os.Lstat(root); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		root += string(filepath.Separator) // a link that the user named is followed, unlike those inside
	}
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return r.unread(p, "%v", unwrapPath(err))
		}
		if strings.HasPrefix(d.Name(), ".") && p != root {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		info, err := os.Stat(p) // what a symbolic link points to
		switch {
		case err != nil:
			return r.unread(p, "%v", unwrapPath(err))
		case info.IsDir():
			return r.unread(p, "is a link to a folder, which is not followed; name the folder")
		case !info.Mode().IsRegular():
			return r.unread(p, "is not a file")
		}
		return r.file(p, false)
	})
}

func (r *run) file(p string, named bool) error {
	f, err := os.Open(p)
	if err != nil {
		return r.unread(p, "%v", unwrapPath(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return r.unread(p, "%v", unwrapPath(err))
	}
	var at *readerAt
	if info.Mode().IsRegular() {
		at = &readerAt{f, info.Size()}
	}
	m := &meter{factor: r.files.MaxExpansion}
	return r.content(counted{f, m}, at, input{name: p, named: named, live: at == nil}, m, 0)
}

// unwrapPath leaves the path out of an error that is told beside it.
func unwrapPath(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
