module github.com/acquiring-go/acquiring/webhook/broker

go 1.26.0

require (
	github.com/ThreeDotsLabs/watermill v1.5.3
	github.com/acquiring-go/acquiring v0.0.0
	github.com/google/uuid v1.6.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/lithammer/shortuuid/v3 v3.0.7 // indirect
	github.com/oklog/ulid v1.3.1 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/sony/gobreaker v1.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/acquiring-go/acquiring => ../..

// Only a test of modernc.org/sqlite wants it, and module proxies do not all
// serve this version; without the line go mod tidy cannot complete.
exclude github.com/google/pprof v0.0.0-20261016150608-1facf8f91b50
