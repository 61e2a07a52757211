package source

import (
	"encoding/json"
	"errors"
	"fmt"
)

// position is how far a file was read, and how it is known again.
type position struct {
	Path  string `json:"path"`  // for people
	First string `json:"first"` // where it was seen first
	Dev   uint64 `json:"dev"`
	Inode uint64 `json:"inode"`
	Born  int64  `json:"born"` // when it was seen first, microseconds; tells apart the files that one inode is in turn
	Size  int64  `json:"size"` // when it was last read
	Mtime int64  `json:"mtime"`
	Gone  int64  `json:"gone,omitempty"` // since when it is there no more, microseconds

	Start    string `json:"start"` // digest of its first StartLen bytes
	StartLen int    `json:"start_len"`
	Kind     kind   `json:"kind"`
	Raw      int64  `json:"raw"`            // bytes of the file that are consumed; of plain text only
	Last     string `json:"last,omitempty"` // digest of up to lastSize bytes before Raw

	Text    int  `json:"text,omitempty"`    // which of the texts in it is being read: 0 but for archives
	Done    bool `json:"done,omitempty"`    // a packed file was read to its end
	Told    bool `json:"told,omitempty"`    // what is wrong with its end was told
	Unread  bool `json:"unread,omitempty"`  // more stood in it than was read, and it is gone
	Lost    bool `json:"lost,omitempty"`    // half a record at the end of a file that is gone was rejected, or that it is unread was told
	Stopped bool `json:"stopped,omitempty"` // no record is to be had from it

	textState
	Copied int64 `json:"copied,omitempty"` // how much of the text another file has too; that goes on from there

	listed string // under which head it is remembered
}

// kind is how a file is read.
type kind string

const (
	kindUnknown kind = ""
	kindUTF8    kind = "utf-8"
	kindLE      kind = "utf-16le"
	kindBE      kind = "utf-16be"
	kindPacked  kind = "packed" // compressed, or a JSON string: it is read from its beginning each time it has grown
	kindZip     kind = "zip"
)

func (k kind) plain() bool { return k == kindUTF8 || k == kindLE || k == kindBE }

const (
	startSize = 1024 // how much of a file's beginning is compared
	lastSize  = 256  // how much before the place where reading goes on
)

// key names a position among those of its stream.
func (p *position) key() string { return fmt.Sprintf("%x.%x.%x", p.Dev, p.Inode, p.Born) }

func (p *position) encode() []byte {
	data, err := json.Marshal(p)
	if err != nil { // cannot be: it is made of numbers and text
		return []byte("{}")
	}
	return data
}

var errDamaged = errors.New("the stored position is damaged")

// decodePosition reads what encode wrote. It comes from a database that may be damaged.
func decodePosition(data []byte) (*position, error) {
	p := new(position)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	switch p.Kind {
	case kindUnknown, kindUTF8, kindLE, kindBE, kindPacked, kindZip:
	default:
		return nil, fmt.Errorf("%w: kind %q", errDamaged, p.Kind)
	}
	if p.Born <= 0 || p.Size < 0 || p.Raw < 0 || p.Text < 0 || p.StartLen < 0 || p.StartLen > startSize || p.Raw > p.Size {
		return nil, fmt.Errorf("%w: a number is out of range", errDamaged)
	}
	if p.Offset < 0 || p.Hashed < p.Offset || p.Hashed-p.Offset > 3*windowLimit || (p.Cut == nil && p.Hashed > 0) {
		return nil, fmt.Errorf("%w: an offset is out of range", errDamaged)
	}
	if p.Kind == kindUTF8 && p.Raw != p.Offset {
		return nil, fmt.Errorf("%w: offsets differ", errDamaged)
	}
	if p.Cut != nil {
		if !p.Cut.valid() || p.Cut.Offset > p.Offset {
			return nil, fmt.Errorf("%w: the state of the reader", errDamaged)
		}
		if _, err := p.resume(p.Path); err != nil {
			return nil, fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	return p, nil
}

// cutState is a cutter written down.
type cutState struct {
	Line   int64      `json:"line"`
	Offset int64      `json:"offset"`
	JSON   *jsonState `json:"json,omitempty"`
	CSV    *csvState  `json:"csv,omitempty"`
	Stop   bool       `json:"stop,omitempty"`
}

type jsonState struct {
	MidLine    bool  `json:"mid_line,omitempty"`
	Lists      int   `json:"lists,omitempty"`
	PageLists  int   `json:"page_lists,omitempty"`
	PageLevels int64 `json:"page_levels,omitempty"`
	Lost       bool  `json:"lost,omitempty"`
	Hurt       bool  `json:"hurt,omitempty"`
	Skip       bool  `json:"skip,omitempty"`
	SkipDepth  int64 `json:"skip_depth,omitempty"`
	InString   bool  `json:"in_string,omitempty"`
	Escaped    bool  `json:"escaped,omitempty"`
}

type csvState struct {
	Delim     byte     `json:"delim"`
	CR        bool     `json:"cr,omitempty"`
	LastCR    bool     `json:"last_cr,omitempty"`
	Names     []string `json:"names"`
	Flat      bool     `json:"flat,omitempty"`
	Audit     int      `json:"audit"`
	RawColumn int      `json:"raw"`
	Date      int      `json:"date"`
	Operation int      `json:"operation"`
	User      int      `json:"user"`
	ID        int      `json:"id"`
	Rows      int64    `json:"rows"`
	Told      bool     `json:"told,omitempty"`
	Lost      bool     `json:"lost,omitempty"`
	Tries     int      `json:"tries,omitempty"`
}

func (c *autoCutter) state() *cutState {
	s := &cutState{Line: c.line, Offset: c.offset, Stop: c.stop}
	switch x := c.chosen.(type) {
	case *jsonCutter:
		s.Line, s.Offset = x.line, x.offset
		s.JSON = &jsonState{x.midLine, x.lists, x.page.lists, x.page.levels, x.lost, x.hurt,
			x.skip.active, x.skip.depth, x.skip.inString, x.skip.escaped}
	case *csvCutter:
		s.Line, s.Offset = x.line, x.offset
		s.CSV = &csvState{x.split.delim, x.split.cr, x.lastCR, x.names, x.flat, x.audit, x.raw,
			x.date, x.operation, x.user, x.id, x.rows, x.told, x.lost, x.tries}
	}
	return s
}

// cutter makes a cutter of what was written down.
func (s *cutState) cutter(file string) autoCutter {
	at := place{file: file, line: s.Line, offset: s.Offset}
	c := autoCutter{place: at, stop: s.Stop}
	switch {
	case s.JSON != nil:
		j := s.JSON
		c.chosen = &jsonCutter{place: at, midLine: j.MidLine, lists: j.Lists, page: page{j.PageLists, j.PageLevels},
			lost: j.Lost, hurt: j.Hurt, skip: skipper{depth: j.SkipDepth, inString: j.InString, escaped: j.Escaped, active: j.Skip}}
	case s.CSV != nil:
		t := s.CSV
		at.cr, at.lastCR = t.CR, t.LastCR
		c.isCSV = true
		c.chosen = &csvCutter{place: at, split: splitter{delim: t.Delim, cr: t.CR}, rows: t.Rows, told: t.Told, lost: t.Lost, tries: t.Tries,
			header: header{names: t.Names, flat: t.Flat, audit: t.Audit, raw: t.RawColumn,
				date: t.Date, operation: t.Operation, user: t.User, id: t.ID}}
	}
	return c
}

func (s *cutState) valid() bool {
	if s.Line < 1 || s.Offset < 0 || s.JSON != nil && s.CSV != nil {
		return false
	}
	if j := s.JSON; j != nil {
		return j.Lists >= 0 && j.PageLists >= 0 && j.PageLists <= j.Lists
	}
	if t := s.CSV; t != nil {
		for _, i := range []int{t.Audit, t.RawColumn, t.Date, t.Operation, t.User, t.ID} {
			if i < -1 || i >= len(t.Names) {
				return false
			}
		}
		return len(t.Names) > 0 && t.Rows >= 0 && t.Tries >= 0 && t.Flat == (t.Audit < 0 && t.RawColumn < 0)
	}
	return true
}
