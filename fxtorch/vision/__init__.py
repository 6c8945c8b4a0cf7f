"""What torchvision gives: data sets, transforms, models and operators."""
