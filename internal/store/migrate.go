package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"slices"
)

// applicationID stands in the header of the file and tells it from other programs' files: "dtct".
const applicationID = 0x64746374

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations are the steps from an empty file to the newest schema, in their order. The schema's version is how many of
// them were taken; one that was released is never changed.
var migrations = loadMigrations()

func loadMigrations() []string {
	entries, err := migrationFiles.ReadDir("migrations") // sorted by name
	if err != nil {
		return nil
	}
	var steps []string
	for _, e := range entries {
		b, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			return nil
		}
		steps = append(steps, string(b))
	}
	return slices.Clip(steps)
}

// schemaVersion is the version of a file's schema, 0 for an empty file.
func schemaVersion(ctx context.Context, db querier) (version int, err error) {
	var app, tables int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app); err != nil {
		return 0, err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return 0, err
	}
	switch {
	case app == 0 && version == 0 && tables == 0:
		return 0, nil
	case app != applicationID || version <= 0:
		return 0, ErrForeign
	case version > len(migrations):
		return 0, fmt.Errorf("%w (schema %d, known up to %d)", ErrNewer, version, len(migrations))
	}
	return version, nil
}

// migrate takes the steps that a file lacks, each in a transaction of its own.
func migrate(ctx context.Context, db *sql.Conn) error {
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	for ; version < len(migrations); version++ {
		step := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA application_id = %d;\nPRAGMA user_version = %d;\nCOMMIT;",
			migrations[version], applicationID, version+1)
		if _, err := db.ExecContext(ctx, step); err != nil {
			_, _ = db.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			return fmt.Errorf("migrate to schema %d: %w", version+1, err)
		}
	}
	return nil
}
