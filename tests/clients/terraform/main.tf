# What `tests/it/terraform.rs` applies, changes and destroys. The endpoint and the authority are those of a test's cluster.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" { type = string }
variable "ca" { type = string }
variable "password" { type = string }

provider "aws" {
  region                      = "us-east-1"
  custom_ca_bundle            = var.ca
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  endpoints { secretsmanager = var.endpoint }
}

resource "aws_secretsmanager_secret" "db" {
  name                    = "terraform/db"
  description             = "of ${var.password}"
  recovery_window_in_days = 0
  tags                    = { team = "blue" }
  replica { region = "us-west-2" }
}

resource "aws_secretsmanager_secret_version" "db" {
  secret_id     = aws_secretsmanager_secret.db.id
  secret_string = jsonencode({ user = "app", password = var.password })
}

resource "aws_secretsmanager_secret_policy" "db" {
  secret_arn = aws_secretsmanager_secret.db.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::123456789012:root" }
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
    }]
  })
}

data "aws_secretsmanager_secret_version" "db" {
  secret_id  = aws_secretsmanager_secret.db.id
  depends_on = [aws_secretsmanager_secret_version.db]
}

output "value" {
  value     = data.aws_secretsmanager_secret_version.db.secret_string
  sensitive = true
}
