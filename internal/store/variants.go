package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"detect/engine"
)

// Variants is the variants known of each identity, in the order asked; nil for one that is not known.
//
// Records that arrive together have happened at about the same time, and mostly none of them is known. So a stretch of
// time is read at once where it holds little; what lies in a crowded one is looked up piece by piece.
func (s *Store) Variants(ctx context.Context, ids []engine.Seen) ([][]uint64, error) {
	known := make([][]uint64, len(ids))
	if s.opts.Ephemeral || len(ids) == 0 {
		return known, nil
	}
	order := make([]int, len(ids)) // of the table
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compareSeen(&ids[a], &ids[b]) })
	err := s.own(ctx, "look up identities in", func() error {
		const stretch = 512 // so many identities asked for
		for part := range slices.Chunk(order, stretch) {
			if err := ctx.Err(); err != nil {
				return err
			}
			rest, err := s.variantsBetween(ids, part, known)
			if err != nil {
				return err
			}
			for _, i := range rest {
				if known[i], err = s.variantsOf(&ids[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return known, nil
}

func compareSeen(a, b *engine.Seen) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), a.ID.Compare(b.ID))
}

// variantsBetween looks up the identities of part, which is in the table's order, by reading the table from the first to
// the last of them. If there is too much between them it gives up and says which are left.
func (s *Store) variantsBetween(ids []engine.Seen, part []int, known [][]uint64) (left []int, err error) {
	limit := 2*len(part) + 64 // more than that costs more than it saves
	rows, err := s.stmt.between.QueryContext(background, ids[part[0]].Time, ids[part[len(part)-1]].Time, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	at, read := 0, 0
	for rows.Next() {
		var time, variant int64
		var id sql.RawBytes
		if err := rows.Scan(&time, &id, &variant); err != nil {
			return nil, err
		}
		read++
		for at < len(part) && comparePlace(&ids[part[at]], time, id) < 0 {
			at++
		}
		for same := at; same < len(part) && comparePlace(&ids[part[same]], time, id) == 0; same++ {
			known[part[same]] = append(known[part[same]], uint64(variant))
		}
	}
	if err := rows.Err(); err != nil || read < limit {
		return nil, err
	}
	for _, i := range part[at:] { // more variants of the last one read may follow
		known[i] = nil
	}
	return part[at:], nil
}

func comparePlace(s *engine.Seen, time int64, id []byte) int {
	return cmp.Or(cmp.Compare(s.Time, time), bytes.Compare(s.ID[:], id))
}

// variantsOf looks up one identity.
func (s *Store) variantsOf(id *engine.Seen) (known []uint64, err error) {
	rows, err := s.stmt.variants.QueryContext(background, id.Time, id.ID[:])
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		known = append(known, uint64(v))
	}
	return known, rows.Err()
}
