module github.com/acquiring-go/acquiring/interop

go 1.26.0

require (
	github.com/acquiring-go/acquiring v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/google/go-querystring v1.2.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/acquiring-go/acquiring => ../
